# Sourced by the scripts beside it, in bash: reads the file that BRIDGE_ENV_PATH names and defines
# what they share. No secret is given to a program as an argument, where `ps` would show it.
# shellcheck shell=bash
: "${BRIDGE_ENV_PATH:?must name a file with SERVER_URL and API_TOKEN, see tools/api/README.md}"
# shellcheck source=/dev/null
source "$BRIDGE_ENV_PATH"
: "${SERVER_URL:?is missing in $BRIDGE_ENV_PATH}"

# usage: the first comment of the script, when it is called otherwise than it says
usage() {
    sed -n '2,/^[^#]/s/^# //p' "$0" >&2
    exit 2
}

# send CONFIG CURL_ARGUMENTS: prints the answer; exit code 22 where it is an error
send() {
    local config=$1
    shift
    # CURL_OPTS holds several words: that is what it is for.
    # shellcheck disable=SC2086
    curl ${CURL_OPTS:-} --silent --show-error --fail-with-body --config <(printf '%s\n' "$config") "$@"
}

# quoted TEXT: as curl wants it between double quotes in its configuration
quoted() {
    local text=${1//\\/\\\\}
    printf '%s' "${text//\"/\\\"}"
}

# call METHOD PATH [CURL_ARGUMENTS]: one call of the API
call() {
    local method=$1 path=$2
    shift 2
    : "${API_TOKEN:?is missing in $BRIDGE_ENV_PATH}"
    send "user = \"bridge:$(quoted "$API_TOKEN")\"" --request "$method" "$@" "${SERVER_URL%/}/v1/$path"
}

# call_json METHOD PATH: the same with the JSON on standard input as its body
call_json() {
    call "$1" "$2" --header 'Content-Type: application/json' --data-binary @-
}

# list THINGS [NAME=VALUE ...]: a list, with these parameters
list() {
    local things=$1 each
    local parameters=()
    shift
    for each in "$@"; do
        [[ $each == *=* ]] || usage
        parameters+=(--data-urlencode "$each")
    done
    call GET "$things" --get ${parameters[@]+"${parameters[@]}"}
}
