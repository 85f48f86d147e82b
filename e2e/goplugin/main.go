// Command goplugin is a plugin of Argo Rollouts, compiled against its public packages: a metric provider, a step and a
// traffic router in one. The tests of serin-plugin start it and compare what it received with what they sent.
//
//	goplugin types       prints plugin/src/types.json: each Go type that a plugin receives or answers, field by field
//	goplugin             serves, as the kind of plugin that the handshake's cookie asks for
//
// What it is to do stands in the field "do" of its configuration: echo (the default), hang, die, fail, or talk before it
// echoes. "phase" is the phase of its answer, and "only" the operation (run, resume, terminate, abort; of a router SetWeight
// and so on) of which both are said. A router writes what it is told into "file".
package main

import (
	"fmt"
	"os"

	goplugin "github.com/hashicorp/go-plugin"

	metrics "github.com/argoproj/argo-rollouts/metricproviders/plugin/rpc"
	steps "github.com/argoproj/argo-rollouts/rollout/steps/plugin/rpc"
	routers "github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
)

const cookie = "ARGO_ROLLOUTS_RPC_PLUGIN"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "types" {
		if err := printTypes(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "goplugin:", err)
			os.Exit(1)
		}
		return
	}
	kinds := map[string]map[string]goplugin.Plugin{
		"metricprovider": {"RpcMetricProviderPlugin": &metrics.RpcMetricProviderPlugin{Impl: metric{}}},
		"step":           {"RpcStepPlugin": &steps.RpcStepPlugin{Impl: step{}}},
		"trafficrouter":  {"RpcTrafficRouterPlugin": &routers.RpcTrafficRouterPlugin{Impl: router{}}},
	}
	kind := os.Getenv(cookie)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: cookie, MagicCookieValue: kind},
		Plugins:         kinds[kind],
	})
}
