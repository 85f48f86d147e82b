package main

import (
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	metrics "github.com/argoproj/argo-rollouts/metricproviders/plugin/rpc"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	steps "github.com/argoproj/argo-rollouts/rollout/steps/plugin/rpc"
	routers "github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
)

// described is a Go type as gob sends it: its kind, with fields, key and element by name.
type described struct {
	Kind   string  `json:"kind"`
	JSON   string  `json:"json,omitempty"` // the type, where it writes its own JSON
	Key    string  `json:"key,omitempty"`
	Elem   string  `json:"elem,omitempty"`
	Fields []field `json:"fields,omitempty"`
}

// field is an exported field: its name in Go, which gob sends, and in JSON. A field without a name in JSON is inlined.
type field struct {
	Go   string `json:"go"`
	JSON string `json:"json,omitempty"`
	Type string `json:"type"`
}

type table map[string]described

var (
	gobEncoder  = reflect.TypeFor[gob.GobEncoder]()
	ownJSON     = reflect.TypeFor[json.Marshaler]()
	simpleKinds = map[reflect.Kind]string{
		reflect.Bool: "bool", reflect.String: "string",
		reflect.Int: "int", reflect.Int8: "int", reflect.Int16: "int", reflect.Int32: "int", reflect.Int64: "int",
		reflect.Uint: "uint", reflect.Uint8: "uint", reflect.Uint16: "uint", reflect.Uint32: "uint", reflect.Uint64: "uint",
		reflect.Float32: "float", reflect.Float64: "float",
	}
)

// add describes a type and all that it leads to, and returns its name. A pointer is what it points to, as in gob.
func (t table) add(of reflect.Type) (string, error) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	known := described{}
	if of.Name() != "" && of.PkgPath() != "" && (of.Implements(ownJSON) || reflect.PointerTo(of).Implements(ownJSON)) {
		known.JSON = short(of)
	}
	name := short(of)
	simple, isSimple := simpleKinds[of.Kind()]
	switch {
	case isSimple && known.JSON == "":
		return simple, nil
	case isSimple:
		known.Kind = simple
	case of.Implements(gobEncoder):
		known.Kind = "binary"
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Uint8:
		known.Kind = "bytes"
		if known.JSON == "" {
			name = "bytes"
		}
	case of.Kind() == reflect.Slice, of.Kind() == reflect.Map, of.Kind() == reflect.Struct:
		known.Kind = of.Kind().String()
	default:
		return "", fmt.Errorf("%s: a %s has no place in the table", of, of.Kind())
	}
	if _, seen := t[name]; seen {
		return name, nil
	}
	t[name] = known // before its fields: a type may lead to itself
	if err := t.inside(of, &known); err != nil {
		return "", fmt.Errorf("%s: %w", of, err)
	}
	t[name] = known
	return name, nil
}

// inside describes what a type consists of.
func (t table) inside(of reflect.Type, known *described) (err error) {
	switch known.Kind {
	case "map":
		if known.Key, err = t.add(of.Key()); err != nil {
			return err
		}
		known.Elem, err = t.add(of.Elem())
	case "slice":
		known.Elem, err = t.add(of.Elem())
	case "struct":
		for i := range of.NumField() {
			if err = t.field(of.Field(i), known); err != nil {
				return err
			}
		}
	}
	return err
}

func (t table) field(of reflect.StructField, known *described) error {
	if !of.IsExported() {
		return nil
	}
	kind, err := t.add(of.Type)
	if err != nil {
		return fmt.Errorf("%s: %w", of.Name, err)
	}
	tag, _, _ := strings.Cut(of.Tag.Get("json"), ",")
	switch {
	case tag == "-", tag == "" && !of.Anonymous:
		tag = of.Name
	}
	known.Fields = append(known.Fields, field{Go: of.Name, JSON: tag, Type: kind})
	return nil
}

// short is the name of a type with its package, without the repositories that all of them come from.
func short(of reflect.Type) string {
	switch {
	case of.Name() != "" && of.PkgPath() != "":
		path := of.PkgPath() + "." + of.Name()
		for _, common := range []string{"github.com/argoproj/argo-rollouts/", "k8s.io/apimachinery/pkg/", "k8s.io/"} {
			path = strings.TrimPrefix(path, common)
		}
		return path
	case of.Kind() == reflect.Slice:
		return "[]" + short(pointed(of.Elem()))
	case of.Kind() == reflect.Map:
		return "map[" + short(of.Key()) + "]" + short(pointed(of.Elem()))
	}
	return of.String()
}

func pointed(of reflect.Type) reflect.Type {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return of
}

// printTypes writes the table of all that is sent to a plugin or answered by one.
func printTypes(to io.Writer) error {
	all := table{}
	for _, value := range []any{
		metrics.RunArgs{}, metrics.TerminateAndResumeArgs{}, metrics.GarbageCollectArgs{}, metrics.GetMetadataArgs{},
		steps.RunArgs{}, steps.TerminateArgs{}, steps.AbortArgs{}, steps.Response{},
		routers.UpdateHashArgs{}, routers.SetWeightAndVerifyWeightArgs{}, routers.SetHeaderArgs{}, routers.SetMirrorArgs{},
		routers.RemoveManagedRoutesArgs{}, routers.VerifyWeightResponse{},
		v1alpha1.Measurement{}, types.RpcError{}, map[string]string{},
	} {
		if _, err := all.add(reflect.TypeOf(value)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(to, "%s\n", text)
	return err
}
