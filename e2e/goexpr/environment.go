package main

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// environment is what a condition sees (contract 06 §10). isNil and default look at the measured value only.
func environment(measured any) map[string]any {
	return map[string]any{
		"result":  pointedTo(measured),
		"asInt":   asInt,
		"asFloat": asFloat,
		"isNaN":   math.IsNaN,
		"isInf":   isInf,
		"isNil":   func(any) bool { return absent(measured) },
		"default": func(_, other any) any {
			if absent(measured) {
				return other
			}
			return pointedTo(measured)
		},
	}
}

func isInf(number float64) bool {
	return math.IsInf(number, 0)
}

func asInt(in any) int64 {
	value := reflect.ValueOf(in)
	switch {
	case builtIn(value) && value.CanInt():
		return value.Int()
	case builtIn(value) && value.CanUint():
		return int64(value.Uint())
	case builtIn(value) && value.CanFloat():
		return int64(value.Float())
	}
	text, isText := in.(string)
	if !isText {
		panic(fmt.Sprintf("asInt() not supported on %v %v", reflect.TypeOf(in), in))
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return number
}

func asFloat(in any) float64 {
	value := reflect.ValueOf(in)
	switch {
	case builtIn(value) && value.CanInt():
		return float64(value.Int())
	case builtIn(value) && value.CanUint():
		return float64(value.Uint())
	case builtIn(value) && value.CanFloat():
		return value.Float()
	}
	text, isText := in.(string)
	if !isText {
		panic(fmt.Sprintf("asFloat() not supported on %v %v", reflect.TypeOf(in), in))
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return number
}

// builtIn is false for types with a name of their own, such as time.Duration.
func builtIn(value reflect.Value) bool {
	return value.IsValid() && value.Type().PkgPath() == ""
}

func absent(in any) bool {
	value := reflect.ValueOf(in)
	switch value.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return value.IsNil()
	}
	return false
}

// nothing is what counts as no data in the text of an error.
func nothing(in any) bool {
	return absent(in) || reflect.TypeOf(in).Kind() == reflect.Slice && reflect.ValueOf(in).Len() == 0
}

func pointedTo(in any) any {
	if absent(in) {
		return nil
	}
	if value := reflect.ValueOf(in); value.Kind() == reflect.Pointer {
		return value.Elem().Interface()
	}
	return in
}
