// Posts as MicroMDM does, with net/http: go_client URL BYTES COUNT [expect]
// Every second request is a small one with the right key, taken from URL's userinfo; the others have
// BYTES bytes of body, a wrong key if URL's fragment is "wrong", and are JSON if it is "event". Prints one line for each request:
// status or error, and whether its connection was used before.
package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"time"
)

func main() {
	target, err := url.Parse(os.Args[1])
	check(err)
	size, err := strconv.Atoi(os.Args[2])
	check(err)
	count, err := strconv.Atoi(os.Args[3])
	check(err)
	expect := len(os.Args) > 4
	right, _ := target.User.Password()
	key := right
	if target.Fragment == "wrong" {
		key = "wrong"
	}
	body := bytes.Repeat([]byte("x"), size)
	if target.Fragment == "event" {
		body = []byte(fmt.Sprintf(`{"filler": "%s"}`, body))
	}
	target.User, target.Fragment = nil, ""
	good := *target
	good.Path = "/hooks/mdm/main"
	client := &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{ExpectContinueTimeout: 5 * time.Second},
	}
	for number := 0; number < count; number++ {
		post(client, target.String(), key, body, expect)
		event := fmt.Sprintf(`{"topic": "mdm.Connect", "event_id": "go-%d-%d"}`, time.Now().UnixNano(), number)
		post(client, good.String(), right, []byte(event), false)
	}
}

func post(client *http.Client, target, key string, body []byte, expect bool) {
	reused := false
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
	request, err := http.NewRequest("POST", target, bytes.NewBuffer(body))
	check(err)
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	request.SetBasicAuth("mdm", key)
	request.Header.Set("Content-Type", "application/json")
	if expect {
		request.Header.Set("Expect", "100-continue")
	}
	answer, err := client.Do(request)
	if err != nil {
		fmt.Println("error", reused, err)
		return
	}
	answer.Body.Close() // unread, as MicroMDM does
	fmt.Println(answer.StatusCode, reused)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
