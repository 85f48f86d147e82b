// Package ext has the places for extensions of Traefik's dynamic configuration: none.
package ext

// HTTP adds nothing to the HTTP configuration.
type HTTP struct{}

// DeepCopyInto copies nothing.
func (*HTTP) DeepCopyInto(*HTTP) {}

// Router adds nothing to a router.
type Router struct{}

// DeepCopyInto copies nothing.
func (*Router) DeepCopyInto(*Router) {}
