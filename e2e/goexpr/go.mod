// Judges analysis conditions as Argo Rollouts does; see main.go. The versions are those of Argo Rollouts.
module github.com/serin-rs/serin/e2e/goexpr

go 1.25.0

require (
	github.com/aws/aws-sdk-go-v2/service/cloudwatch v1.66.2
	github.com/expr-lang/expr v1.17.8
	github.com/newrelic/newrelic-client-go/v2 v2.93.1
)

require (
	github.com/aws/smithy-go v1.27.6 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/google/go-querystring v1.1.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.7 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/sirupsen/logrus v1.9.3 // indirect
	github.com/stretchr/testify v1.9.0 // indirect
	github.com/tomnomnom/linkheader v0.0.0-20180905144013-02ca5825eb80 // indirect
	github.com/valyala/fastjson v1.6.4 // indirect
	golang.org/x/sys v0.20.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
