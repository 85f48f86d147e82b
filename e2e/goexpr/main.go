// Command goexpr judges analysis conditions with expr-lang/expr, the library of Argo Rollouts, in an environment that does
// what the contract says (06 §10): the answers that Serin's own language (crate serin-expr) is compared with.
//
// It reads lines of JSON, one case each, and answers each with one line, in order. The kinds are those of contract 12:
//
//	{"kind": "expression", "result": {"type", "value"}, "successCondition", "failureCondition"}   {"phase", "message"}
//	{"kind": "time", "expression"}                                                {"sinceNowSeconds"} or {"time"} or {"error"}
//
// and one more, which shows what a condition only hints at:
//
//	{"kind": "value", "result", "expression"}                                     {"type", "value"} or {"error"}
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
)

// asked is a case.
type asked struct {
	Kind             string `json:"kind"`
	Result           result `json:"result"`
	SuccessCondition string `json:"successCondition"`
	FailureCondition string `json:"failureCondition"`
	Expression       string `json:"expression"`
}

type verdict struct {
	Phase   string `json:"phase"`
	Message string `json:"message,omitempty"`
}

type value struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type failure struct {
	Error string `json:"error"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "goexpr:", err)
		os.Exit(1)
	}
}

func serve(from io.Reader, to io.Writer) error {
	reader := bufio.NewReaderSize(from, 1<<16)
	writer := bufio.NewWriter(to)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			var it asked
			if err := json.Unmarshal(line, &it); err != nil {
				return fmt.Errorf("a line that is no case: %w", err)
			}
			given, err := answer(it)
			if err != nil {
				return err
			}
			if err := encoder.Encode(given); err != nil {
				return err
			}
		}
		// Whoever waits for an answer has sent nothing more.
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
	}
}

func answer(it asked) (any, error) {
	switch it.Kind {
	case "expression":
		measured, err := it.Result.decode()
		if err != nil {
			return nil, err
		}
		return judge(measured, it.SuccessCondition, it.FailureCondition), nil
	case "value":
		measured, err := it.Result.decode()
		if err != nil {
			return nil, err
		}
		given, err := evaluate(it.Expression, environment(measured))
		if err != nil {
			return failure{err.Error()}, nil
		}
		return value{fmt.Sprintf("%T", given), fmt.Sprintf("%v", given)}, nil
	case "time":
		return when(it.Expression), nil
	}
	return nil, fmt.Errorf("there is no kind %q", it.Kind)
}

// evaluate gives errors without the snippet of the source.
func evaluate(text string, env map[string]any) (any, error) {
	program, err := expr.Compile(text, expr.Env(env))
	if err == nil {
		var given any
		if given, err = expr.Run(program, env); err == nil {
			return given, nil
		}
	}
	var placed *file.Error
	if errors.As(err, &placed) {
		return nil, errors.New(placed.Message)
	}
	return nil, err
}

// judge knows the outcomes of contract 06 §12.
func judge(measured any, success, failure string) verdict {
	holds := map[string]bool{}
	for _, condition := range []struct{ name, text string }{{"successCondition", success}, {"failureCondition", failure}} {
		if condition.text == "" {
			continue
		}
		given, err := evaluate(condition.text, environment(measured))
		is, isBool := given.(bool)
		if err == nil && !isBool {
			err = fmt.Errorf("expected bool, but got %T", given)
		}
		if err != nil {
			if nothing(measured) {
				err = errors.New("metric result is nil or empty: no data returned from the metric provider")
			}
			return verdict{"Error", fmt.Sprintf("could not evaluate %s \"%s\": %v", condition.name, condition.text, err)}
		}
		holds[condition.name] = is
	}
	switch {
	case holds["failureCondition"]:
		return verdict{Phase: "Failed"}
	case success == "" || holds["successCondition"]:
		return verdict{Phase: "Successful"}
	case failure == "":
		return verdict{Phase: "Failed"}
	}
	return verdict{Phase: "Inconclusive"}
}

func when(text string) any {
	given, err := evaluate(text, map[string]any{"isNaN": math.IsNaN, "isInf": isInf})
	if err != nil {
		return failure{err.Error()}
	}
	at, isTime := given.(time.Time)
	if !isTime {
		return failure{fmt.Sprintf("expected time.Time, but got %T", given)}
	}
	since := time.Since(at).Round(time.Second)
	if since.Abs() < 48*time.Hour {
		return map[string]any{"sinceNowSeconds": since.Seconds()}
	}
	return map[string]any{"time": at.UTC().Format(time.RFC3339Nano)}
}
