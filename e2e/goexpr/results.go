package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/newrelic/newrelic-client-go/v2/pkg/nrdb"
)

// result is a measured value as a case writes it (contract 12 §2).
type result struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// number is a float64 that may be written as "NaN", "+Inf" or "-Inf".
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	var quoted string
	if json.Unmarshal(text, &quoted) != nil {
		quoted = string(text)
	}
	parsed, err := strconv.ParseFloat(quoted, 64)
	*n = number(parsed)
	return err
}

// decode gives the value its Go type.
func (r result) decode() (any, error) {
	switch r.Type {
	case "", "nil":
		return nil, nil
	case "nilFloat":
		return (*float64)(nil), nil
	case "float":
		given, err := read[number](r.Value)
		return float64(given), err
	case "floats":
		given, err := read[[]number](r.Value)
		floats := make([]float64, len(given))
		for i, each := range given {
			floats[i] = float64(each)
		}
		return floats, err
	case "json":
		return read[any](r.Value)
	case "string":
		return read[string](r.Value)
	case "map":
		return read[nrdb.NRDBResult](r.Value)
	case "maps":
		return read[[]nrdb.NRDBResult](r.Value)
	case "cloudwatch":
		return read[[]types.MetricDataResult](r.Value)
	case "values":
		given, err := read[[]result](r.Value)
		values := make([]any, len(given))
		for i, each := range given {
			if err == nil {
				values[i], err = each.single()
			}
		}
		return values, err
	}
	return nil, fmt.Errorf("there is no result of type %q", r.Type)
}

// single is one value of InfluxDB.
func (r result) single() (any, error) {
	switch r.Type {
	case "int":
		return read[int64](r.Value)
	case "uint":
		return read[uint64](r.Value)
	case "bool":
		return read[bool](r.Value)
	case "time":
		return read[time.Time](r.Value)
	case "float", "string", "nil":
		return r.decode()
	}
	return nil, fmt.Errorf("there is no value of type %q", r.Type)
}

func read[T any](text json.RawMessage) (T, error) {
	var given T
	if len(text) == 0 {
		return given, nil
	}
	err := json.Unmarshal(text, &given)
	return given, err
}
