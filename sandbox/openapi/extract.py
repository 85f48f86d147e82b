#!/usr/bin/env python3
"""Takes the schemas of the types that the sandbox serves out of the OpenAPI documents of a Kubernetes API server.

    kubectl get --raw /openapi/v3/api/v1 > FOLDER/api_v1.json      and so on, for each group and version below
    extract.py FOLDER > kubernetes.json

The version is the one that e2e/controlplane/go.mod pins. What is kept is kept word for word: descriptions are what
`kubectl explain` prints.
"""

import json
import pathlib
import sys

KINDS = {
    "": "ConfigMap Endpoints Event Namespace Node PersistentVolumeClaim Pod Secret ServiceAccount Service Binding",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apps": "Deployment ReplicaSet",
    "autoscaling": "Scale",
    "batch": "Job",
    "coordination.k8s.io": "Lease",
    "discovery.k8s.io": "EndpointSlice",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget Eviction",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
}


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rsplit("/", 1)[1]
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def main():
    definitions = {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        definitions.update(json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"])
    wanted = []
    for name, schema in definitions.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            if kind["version"] == "v1" and kind["kind"] in KINDS.get(kind["group"], "").split():
                wanted.append(name)
    kept = {}
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = definitions[name]
            wanted.extend(references(kept[name]))
    json.dump({"definitions": dict(sorted(kept.items()))}, sys.stdout, separators=(",", ":"), sort_keys=True)
    print()


main()
