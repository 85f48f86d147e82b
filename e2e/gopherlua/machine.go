package main

import (
	"context"
	"errors"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// script is compiled once; each call has a machine of its own.
type script struct {
	proto *lua.FunctionProto
	err   error
}

func compile(text string) *script {
	const name = "<string>"
	chunk, err := parse.Parse(strings.NewReader(text), name)
	if err != nil {
		return &script{err: err}
	}
	proto, err := lua.Compile(chunk, name)
	return &script{proto: proto, err: err}
}

// call runs the script as Argo CD runs what it does not trust: base, package, table and a small os that only require
// gives, one second, and the machine's own limits of calls and registers. It gives the last value.
func (s *script) call(object any, parameters map[string]string, now int64) (lua.LValue, error) {
	if s.err != nil {
		return nil, s.err
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	clock := safeOs(time.Unix(now, 0).UTC())
	libraries := []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	}
	for _, library := range libraries {
		open := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(open, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	// Argo CD registers these two under the name of the table library as well.
	state.RegisterModule(lua.TabLibName, clock)
	state.PreloadModule(lua.OsLibName, func(state *lua.LState) int {
		state.Push(state.SetFuncs(state.NewTable(), clock))
		return 1
	})
	// What a script prints would stand between the answers.
	state.SetGlobal("print", state.NewFunction(func(*lua.LState) int { return 0 }))

	limited, cancel := context.WithTimeout(context.Background(), *deadline)
	defer cancel()
	state.SetContext(limited)

	given := state.CreateTable(0, len(parameters))
	for name, value := range parameters {
		given.RawSetString(name, lua.LString(value))
	}
	state.SetGlobal("actionParams", given)
	state.SetGlobal("obj", toLua(state, object))

	state.Push(state.NewFunctionFromProto(s.proto))
	if err := state.PCall(0, lua.MultRet, nil); err != nil {
		var raised *lua.ApiError
		if errors.As(err, &raised) && raised.Type == lua.ApiErrorRun {
			raised.StackTrace = ""
		}
		return nil, err
	}
	return state.Get(-1), nil
}

// toLua turns decoded JSON into Lua: nulls are nil, so members are missing and items are left out.
func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, member := range value {
			table.RawSetString(key, toLua(state, member))
		}
		return table
	default:
		return lua.LNil
	}
}
