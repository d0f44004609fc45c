#!/bin/sh
# github.com/micromdm/plist v0.2.1 (the property list package of MicroMDM and NanoMDM), Go 1.24 or newer
#
# Unmarshal of an <integer> into a Go integer that is too small for it gives a wrapped number and no
# error: 4294967297 in an int32 is 1. Of a number that has the wrong sign for its field it does give an
# error, so one would think that it looks. encoding/json gives an error for both.
#
# Seen on 2026-11-28:
#   4294967297 in an int32: 1, error <nil>
#   300 in a uint8: 44, error <nil>
#   -1 in a uint64: 0, error plist: cannot unmarshal -1 into Go value of type uint64
#   the same in encoding/json: error json: cannot unmarshal number 4294967297 into Go value of type int32
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
cat > go.mod <<'GO'
module finding

go 1.24

require github.com/micromdm/plist v0.2.1
GO
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/micromdm/plist"
)

func document(number string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict><key>Number</key><integer>` + number + `</integer></dict></plist>`)
}

func main() {
	var wide struct{ Number int32 }
	err32 := plist.Unmarshal(document("4294967297"), &wide)
	fmt.Printf("4294967297 in an int32: %d, error %v\n", wide.Number, err32)

	var small struct{ Number uint8 }
	err8 := plist.Unmarshal(document("300"), &small)
	fmt.Printf("300 in a uint8: %d, error %v\n", small.Number, err8)

	var unsigned struct{ Number uint64 }
	errSign := plist.Unmarshal(document("-1"), &unsigned)
	fmt.Printf("-1 in a uint64: %d, error %v\n", unsigned.Number, errSign)

	var number int32
	errJSON := json.Unmarshal([]byte("4294967297"), &number)
	fmt.Printf("the same in encoding/json: error %v\n", errJSON)

	if wide.Number != 1 || err32 != nil || small.Number != 44 || err8 != nil || errSign == nil || errJSON == nil {
		os.Exit(1)
	}
}
GO
GOFLAGS=-mod=mod go mod download github.com/micromdm/plist
GOFLAGS=-mod=mod go run .
