#!/bin/sh
# The API in curl: needs a running `fse serve`, and a token of every scope.
#   TOKEN=$(fse token new essai --scope submit --scope read --scope sign --scope operate --scope metrics)
#   API=http://127.0.0.1:8321 TOKEN=$TOKEN sh examples/api.sh
set -eu
: "${API:=http://127.0.0.1:8321}" "${TOKEN:?TOKEN=… (fse token new)}"
here=$(dirname "$0")
now=$(date -u +%Y-%m-%dT%H:%M:%S+00:00)

ask() { # METHOD /path [JSON]
    method=$1 path=$2
    shift 2
    [ $# -eq 0 ] || set -- --header 'Content-Type: application/json' --data-binary "$1"
    # the token goes in by stdin: a command line is there for everybody to read
    printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" |
        curl --silent --show-error --fail-with-body --noproxy '*' --config - --request "$method" "$API$path" "$@"
    echo
}

# 1. the doctor opens a signing period with the demonstration card (its PIN is known: it is a test card)
ask POST /v1/signing-periods '{"rpps": "99700000013", "pin": "1234", "minutes": 10, "signatures": 5}'

# 2. an encounter comes in: its sheet is sealed, its legal deadline answered
ask POST /v1/encounters "$(sed "s/2025-03-04T09:40:00+01:00/$now/; s/2025-03-04.C01/essai-$$/" "$here/encounter.json")"

# 3. lots are closed, signed and sent; the simulated caisse answers
ask POST /v1/dispatch '{"rpps": "99700000013"}'

# 4. where everything stands
ask GET '/v1/sheets?limit=5'
ask GET /v1/agenda
ask GET /v1/returns

# 5. the card is given back: from now on nothing is signed
ask DELETE /v1/signing-periods/99700000013
