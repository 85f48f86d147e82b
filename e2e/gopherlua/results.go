package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch"
	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

type healthOf struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type actionOf struct {
	Name        string `json:"name"`
	Disabled    bool   `json:"disabled"`
	IconClass   string `json:"iconClass"`
	DisplayName string `json:"displayName"`
	Params      []struct {
		Name string `json:"name"`
	} `json:"params"`
}

type impacted struct {
	Operation string          `json:"operation"`
	Resource  any             `json:"resource"`
	Patch     json.RawMessage `json:"patch,omitempty"`
}

var statuses = []string{"Healthy", "Progressing", "Suspended", "Degraded", "Missing", "Unknown"}

func encode(value lua.LValue) ([]byte, error) {
	if value.Type() != lua.LTTable {
		return nil, fmt.Errorf("expect table output from Lua script, not %s", value.Type())
	}
	return luajson.Encode(value)
}

func readHealth(value lua.LValue) (*healthOf, error) {
	if value.Type() == lua.LTNil {
		return &healthOf{}, nil
	}
	text, err := encode(value)
	if err != nil {
		return nil, err
	}
	health := &healthOf{}
	if err := json.Unmarshal(text, health); err != nil {
		// A member of a wrong type is taken for the list that an empty table is.
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return &healthOf{}, nil
		}
		return nil, err
	}
	if !slices.Contains(statuses, health.Status) {
		return &healthOf{Status: "Unknown", Message: "Lua returned an invalid health status"}, nil
	}
	return health, nil
}

func readActions(value lua.LValue) (*[]actionOf, error) {
	text, err := encode(value)
	if err != nil {
		return nil, err
	}
	actions := []actionOf{}
	if string(text) == "[]" {
		return &actions, nil
	}
	var found map[string]json.RawMessage
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, err
	}
	for name, described := range found {
		action := actionOf{Name: name}
		// A list stands for an empty table: nothing is said of the action.
		if described[0] != '[' {
			if err := json.Unmarshal(described, &action); err != nil {
				return nil, err
			}
		}
		actions = append(actions, action)
	}
	slices.SortFunc(actions, func(one, other actionOf) int { return strings.Compare(one.Name, other.Name) })
	return &actions, nil
}

func readImpacted(value lua.LValue, live json.RawMessage, object any) ([]impacted, error) {
	text, err := encode(value)
	if err != nil {
		return nil, err
	}
	var all []impacted
	if text[0] == '[' {
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, errors.New("an empty table, where Argo CD's server panics")
		}
	} else {
		one := impacted{Operation: "patch"}
		if err := json.Unmarshal(text, &one.Resource); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	for i := range all {
		if err := finish(&all[i], live, object); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func finish(one *impacted, live json.RawMessage, object any) error {
	members, ok := one.Resource.(map[string]any)
	if kind, _ := members["kind"].(string); !ok || kind == "" {
		return errors.New("a resource without a kind")
	}
	switch one.Operation {
	case "create":
		return nil
	case "patch":
	default:
		return fmt.Errorf("unsupported operation: %q", one.Operation)
	}
	one.Resource = restore(one.Resource, object)
	wanted, err := json.Marshal(one.Resource)
	if err != nil {
		return err
	}
	patch, err := jsonpatch.CreateMergePatch(live, wanted)
	if err == nil && string(patch) != "{}" {
		one.Patch = patch
	}
	return err
}

// restore makes {} of [] where the live object has an object: Lua has one empty table for both. Items of lists are
// looked into, but an item that is empty itself stays.
func restore(returned, live any) any {
	switch returned := returned.(type) {
	case map[string]any:
		before, _ := live.(map[string]any)
		for key, value := range returned {
			old, present := before[key]
			if !present {
				continue
			}
			list, isList := value.([]any)
			if _, wasObject := old.(map[string]any); wasObject && isList && len(list) == 0 {
				returned[key] = map[string]any{}
			} else {
				returned[key] = restore(value, old)
			}
		}
	case []any:
		before, _ := live.([]any)
		for i := range min(len(returned), len(before)) {
			returned[i] = restore(returned[i], before[i])
		}
	}
	return returned
}
