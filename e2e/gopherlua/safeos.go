package main

import (
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// layouts are what Argo CD makes of the letters of os.date, slips included.
var layouts = map[byte]string{
	'a': "mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "02 Jan 06 15:04 MST", 'd': "02", 'F': "2006-01-02",
	'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'P': "pm", 'S': "05", 'x': "15/04/05", 'X': "15:04:05",
	'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

// safeOs is os.time and os.date for one moment. The local time is UTC, as in Argo CD's images.
func safeOs(now time.Time) map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"time": func(state *lua.LState) int {
			at := now
			if state.GetTop() > 0 {
				at = fromTable(state.CheckTable(1))
			}
			state.Push(lua.LNumber(at.Unix()))
			return 1
		},
		"date": func(state *lua.LState) int {
			at := now
			if state.GetTop() >= 2 {
				at = time.Unix(state.CheckInt64(2), 0).UTC()
			}
			format := strings.TrimLeft(state.OptString(1, "%c"), "!")
			if strings.HasPrefix(format, "*t") {
				state.Push(toTable(state, at))
			} else {
				state.Push(lua.LString(write(at, format)))
			}
			return 1
		},
	}
}

func fromTable(table *lua.LTable) time.Time {
	field := func(name string, otherwise int) int {
		if number, ok := table.RawGetString(name).(lua.LNumber); ok {
			return int(number)
		}
		return otherwise
	}
	return time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1),
		field("hour", 12), field("min", 0), field("sec", 0), 0, time.UTC)
}

func toTable(state *lua.LState, at time.Time) *lua.LTable {
	table := state.NewTable()
	for name, value := range map[string]int{
		"year": at.Year(), "month": int(at.Month()), "day": at.Day(), "hour": at.Hour(), "min": at.Minute(),
		"sec": at.Second(), "wday": int(at.Weekday()) + 1, "yday": 0,
	} {
		table.RawSetString(name, lua.LNumber(value))
	}
	table.RawSetString("isdst", lua.LFalse)
	return table
}

func write(at time.Time, format string) string {
	var text strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			text.WriteByte(format[i])
			continue
		}
		i++
		letter := format[i]
		layout, known := layouts[letter]
		switch {
		case known:
			text.WriteString(at.Format(layout))
		case letter == '%':
			text.WriteByte('%')
		case letter == 'w':
			text.WriteString(strconv.Itoa(int(at.Weekday())))
		default:
			text.WriteByte('%')
			text.WriteByte(letter)
		}
	}
	return text.String()
}
