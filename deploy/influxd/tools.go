//go:build tools

// Package influxdbuild pins the InfluxDB server that the local stack runs.
package influxdbuild

import _ "github.com/influxdata/influxdb/v2/cmd/influxd"
