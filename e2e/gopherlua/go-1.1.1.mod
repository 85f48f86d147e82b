// As go.mod, with the gopher-lua of older versions of Argo CD.
module github.com/serin-rs/serin/e2e/gopherlua

go 1.25.0

require (
	github.com/evanphx/json-patch v5.9.11+incompatible
	github.com/yuin/gopher-lua v1.1.1
	layeh.com/gopher-json v0.0.0-20190114024228-97fed8db8427
)
