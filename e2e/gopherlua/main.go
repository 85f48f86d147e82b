// Command gopherlua runs health checks and resource actions in gopher-lua, the Lua machine of Argo CD, and tells what
// Argo CD would make of the results: a second opinion on Serin's own host (crate serin-lua).
//
// It reads lines of JSON and answers each task with one line, in order:
//
//	{"script": NAME, "text": LUA}                                             no answer
//	{"id": N, "run": NAME, "mode": "health", "object": O}                     {"id": N, "health": {"status", "message"}}
//	{"id": N, "run": NAME, "mode": "discovery", "object": O}                  {"id": N, "actions": [{"name", "disabled", "iconClass", "displayName", "params"}]}
//	{"id": N, "run": NAME, "mode": "action", "object": O, "params": P, "now": SECONDS}
//	                                                                          {"id": N, "impacted": [{"operation", "resource", "patch"}]}
//
// or {"id": N, "error": TEXT}. A patch that changes nothing is left out.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

// request is a script to keep or a task to do.
type request struct {
	Script string            `json:"script"`
	Text   string            `json:"text"`
	ID     int64             `json:"id"`
	Run    string            `json:"run"`
	Mode   string            `json:"mode"`
	Object json.RawMessage   `json:"object"`
	Params map[string]string `json:"params"`
	Now    int64             `json:"now"`
}

type answer struct {
	ID       int64       `json:"id"`
	Health   *healthOf   `json:"health,omitempty"`
	Actions  *[]actionOf `json:"actions,omitempty"`
	Impacted []impacted  `json:"impacted,omitempty"`
	Error    string      `json:"error,omitempty"`
}

func main() {
	// Every task leaves a machine behind: collecting seldom is a third of the time, for some tens of MiB.
	debug.SetGCPercent(1000)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gopherlua:", err)
		os.Exit(1)
	}
}

func serve(from io.Reader, to io.Writer) error {
	reader := bufio.NewReaderSize(from, 1<<16)
	writer := bufio.NewWriter(to)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	scripts := map[string]*script{}
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			var asked request
			if err := json.Unmarshal(line, &asked); err != nil {
				return fmt.Errorf("a line that is no request: %w", err)
			}
			if asked.Script != "" {
				scripts[asked.Script] = compile(asked.Text)
			} else if err := encoder.Encode(do(asked, scripts)); err != nil {
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

// do never fails: what goes wrong is the answer, as a panic is in Argo CD's server.
func do(asked request, scripts map[string]*script) (given answer) {
	given.ID = asked.ID
	defer func() {
		if fault := recover(); fault != nil {
			given = answer{ID: asked.ID, Error: fmt.Sprint("panic: ", fault)}
		}
	}()
	if err := try(asked, scripts, &given); err != nil {
		given = answer{ID: asked.ID, Error: err.Error()}
		if given.Error == "" {
			given.Error = "an error without text"
		}
	}
	return given
}

func try(asked request, scripts map[string]*script, given *answer) error {
	run, known := scripts[asked.Run]
	if !known {
		return fmt.Errorf("there is no script %q", asked.Run)
	}
	var object any
	if err := json.Unmarshal(asked.Object, &object); err != nil {
		return fmt.Errorf("object: %w", err)
	}
	value, err := run.call(object, asked.Params, asked.Now)
	if err != nil {
		return err
	}
	switch asked.Mode {
	case "health":
		given.Health, err = readHealth(value)
	case "discovery":
		given.Actions, err = readActions(value)
	case "action":
		given.Impacted, err = readImpacted(value, asked.Object, object)
	default:
		err = fmt.Errorf("there is no mode %q", asked.Mode)
	}
	return err
}
