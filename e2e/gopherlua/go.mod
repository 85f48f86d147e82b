// Runs Lua in gopher-lua as Argo CD does; see main.go. This file has the version of Argo CD 3.5 and later, go-1.1.1.mod
// that of 2.13 to 3.4, go-1.1.0.mod that of 2.8 to 2.12.
module github.com/serin-rs/serin/e2e/gopherlua

go 1.25.0

require (
	github.com/evanphx/json-patch v5.9.11+incompatible
	github.com/yuin/gopher-lua v1.1.2
	layeh.com/gopher-json v0.0.0-20190114024228-97fed8db8427
)
