package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
)

// wanted is what a test wants of the plugin.
type wanted struct {
	// Do is what it does before it answers.
	Do string `json:"do"`
	// Only is the operation of which all this is said; every one if it is empty.
	Only string `json:"only"`
	// Phase is the phase of its answer; of a router Verified or NotVerified.
	Phase string `json:"phase"`
	// File is where a router writes what it was told, one line for each call.
	File string `json:"file"`
}

// obey does what needs no answer, gives the phase that is wanted, and says why the call fails.
func obey(config []byte, operation string) (string, error) {
	var want wanted
	if len(config) > 0 {
		if err := json.Unmarshal(config, &want); err != nil {
			return "", fmt.Errorf("configuration of goplugin: %w", err)
		}
	}
	if want.Only != "" && want.Only != operation {
		return "", nil
	}
	switch want.Do {
	case "hang":
		select {}
	case "die":
		fmt.Fprintln(os.Stderr, "goplugin dies")
		os.Exit(3)
	case "fail":
		return "", fmt.Errorf("told to fail")
	case "talk":
		fmt.Println("a line for the log")
	}
	return want.Phase, nil
}

// told is a value as JSON.
func told(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("goplugin cannot write its answer: %s", err)
	}
	return string(text)
}

func refusal(err error) types.RpcError {
	return types.RpcError{ErrorString: err.Error()}
}

// initialise fails where the environment of the tests asks for it.
func initialise() types.RpcError {
	return types.RpcError{ErrorString: os.Getenv("GOPLUGIN_INIT_ERROR")}
}

type metric struct{}

// at is the start of every measurement.
var at = metav1.NewTime(time.Date(2026, 8, 1, 12, 30, 0, 0, time.UTC))

func measured(asked v1alpha1.Metric, operation string, received any) v1alpha1.Measurement {
	answer := v1alpha1.Measurement{StartedAt: &at, FinishedAt: &at, Phase: v1alpha1.AnalysisPhaseSuccessful}
	phase, err := obey(firstConfig(asked), operation)
	if err != nil {
		answer.Phase, answer.Message = v1alpha1.AnalysisPhaseError, err.Error()
		return answer
	}
	if phase != "" {
		answer.Phase = v1alpha1.AnalysisPhase(phase)
	}
	if !answer.Phase.Completed() {
		answer.FinishedAt = nil
	}
	answer.Value = told(received)
	answer.Metadata = map[string]string{"kind": "echo"}
	return answer
}

func firstConfig(asked v1alpha1.Metric) []byte {
	for _, config := range asked.Provider.Plugin {
		return config
	}
	return nil
}

func (metric) InitPlugin() types.RpcError { return initialise() }

func (metric) Run(run *v1alpha1.AnalysisRun, asked v1alpha1.Metric) v1alpha1.Measurement {
	return measured(asked, "run", map[string]any{"run": run, "metric": asked})
}

func (metric) Resume(_ *v1alpha1.AnalysisRun, asked v1alpha1.Metric, begun v1alpha1.Measurement) v1alpha1.Measurement {
	return measured(asked, "resume", begun)
}

func (metric) Terminate(_ *v1alpha1.AnalysisRun, asked v1alpha1.Metric, begun v1alpha1.Measurement) v1alpha1.Measurement {
	return measured(asked, "terminate", begun)
}

func (metric) GarbageCollect(_ *v1alpha1.AnalysisRun, _ v1alpha1.Metric, limit int) types.RpcError {
	if limit < 0 {
		return types.RpcError{ErrorString: fmt.Sprintf("limit %d", limit)}
	}
	return types.RpcError{}
}

func (metric) Type() string { return "goplugin" }

func (metric) GetMetadata(asked v1alpha1.Metric) map[string]string {
	return map[string]string{"name": asked.Name, "empty": ""}
}

type step struct{}

func (step) answer(operation string, rollout *v1alpha1.Rollout, context *types.RpcStepContext) (types.RpcStepResult, types.RpcError) {
	phase, err := obey(context.Config, operation)
	if err != nil {
		return types.RpcStepResult{}, refusal(err)
	}
	if phase == "" {
		phase = string(types.PhaseRunning)
	}
	return types.RpcStepResult{
		Phase:        types.StepPhase(phase),
		Message:      operation,
		RequeueAfter: 17 * time.Second,
		Status:       json.RawMessage(told(map[string]any{"rollout": rollout, "context": context})),
	}, types.RpcError{}
}

func (step) InitPlugin() types.RpcError { return initialise() }

func (s step) Run(rollout *v1alpha1.Rollout, context *types.RpcStepContext) (types.RpcStepResult, types.RpcError) {
	return s.answer("run", rollout, context)
}

func (s step) Terminate(rollout *v1alpha1.Rollout, context *types.RpcStepContext) (types.RpcStepResult, types.RpcError) {
	return s.answer("terminate", rollout, context)
}

func (s step) Abort(rollout *v1alpha1.Rollout, context *types.RpcStepContext) (types.RpcStepResult, types.RpcError) {
	return s.answer("abort", rollout, context)
}

func (step) Type() string { return "goplugin" }

// router has no answer but an error, so it echoes in its error where the rollout wants it. Where the rollout has a
// configuration for it, it writes down what it is told, and does as that says.
type router struct{}

func echoed(rollout *v1alpha1.Rollout, received ...any) types.RpcError {
	if rollout.Annotations["echo"] == "" {
		return types.RpcError{}
	}
	return types.RpcError{ErrorString: told(received)}
}

// routerConfig is the configuration of the first router plugin of a rollout.
func routerConfig(rollout *v1alpha1.Rollout) []byte {
	canary := rollout.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil {
		return nil
	}
	for _, config := range canary.TrafficRouting.Plugins {
		return config
	}
	return nil
}

// route writes down a call and obeys, or echoes where there is no configuration.
func route(rollout *v1alpha1.Rollout, operation string, received ...any) (string, types.RpcError) {
	config := routerConfig(rollout)
	if config == nil {
		return "", echoed(rollout, received...)
	}
	var want wanted
	if err := json.Unmarshal(config, &want); err != nil {
		return "", refusal(err)
	}
	if err := note(want.File, operation, received); err != nil {
		return "", refusal(err)
	}
	if _, err := obey(config, operation); err != nil {
		return "", refusal(err)
	}
	return want.Phase, types.RpcError{}
}

// note adds a line to a file, if one is named.
func note(name, operation string, received []any) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = fmt.Fprintln(file, operation, told(received))
	return err
}

func (router) InitPlugin() types.RpcError { return initialise() }

func (router) UpdateHash(rollout *v1alpha1.Rollout, canary, stable string, more []v1alpha1.WeightDestination) types.RpcError {
	_, err := route(rollout, "UpdateHash", canary, stable, more)
	return err
}

func (router) SetWeight(rollout *v1alpha1.Rollout, weight int32, more []v1alpha1.WeightDestination) types.RpcError {
	_, err := route(rollout, "SetWeight", weight, more)
	return err
}

func (router) SetHeaderRoute(rollout *v1alpha1.Rollout, header *v1alpha1.SetHeaderRoute) types.RpcError {
	_, err := route(rollout, "SetHeaderRoute", header)
	return err
}

func (router) SetMirrorRoute(rollout *v1alpha1.Rollout, mirror *v1alpha1.SetMirrorRoute) types.RpcError {
	_, err := route(rollout, "SetMirrorRoute", mirror)
	return err
}

// VerifyWeight says what the configuration wants. Without one it is verified for 1, has no notion of it for 2, and knows no
// other number.
func (router) VerifyWeight(rollout *v1alpha1.Rollout, weight int32, more []v1alpha1.WeightDestination) (types.RpcVerified, types.RpcError) {
	phase, err := route(rollout, "VerifyWeight", weight, more)
	if routerConfig(rollout) == nil {
		return types.RpcVerified(weight), err
	}
	return map[string]types.RpcVerified{"Verified": types.Verified, "NotVerified": types.NotVerified, "": types.NotImplemented}[phase], err
}

func (router) RemoveManagedRoutes(rollout *v1alpha1.Rollout) types.RpcError {
	_, err := route(rollout, "RemoveManagedRoutes", rollout.Name)
	return err
}

func (router) Type() string { return "goplugin" }
