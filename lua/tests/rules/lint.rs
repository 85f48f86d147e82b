//! The rules for generated Lua (argocd.md §9), on its syntax tree.
