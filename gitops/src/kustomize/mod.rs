//! kustomize: what a kustomization refers to, what is refused, the run, and the way back from a field to its line.
