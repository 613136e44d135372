// The Go server of the load tests, built without cgo: a static program, which no preloaded library
// reaches. See tests/apps/express/server.js for what it can do.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	pid := strconv.Itoa(os.Getpid())
	version := os.Getenv("VERSION")
	behave := os.Getenv("BEHAVE")
	switch behave {
	case "throw":
		panic("a bad release")
	case "deaf":
		time.Sleep(24 * time.Hour)
	case "slow":
		time.Sleep(5 * time.Second)
	}

	answer := func(response http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/later" {
			time.Sleep(20 * time.Millisecond)
		}
		response.Header().Set("X-Pid", pid)
		fmt.Fprint(response, version)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening", pid)
	if behave == "crash" {
		time.AfterFunc(500*time.Millisecond, func() { os.Exit(7) })
	}
	fmt.Fprintln(os.Stderr, http.Serve(listener, http.HandlerFunc(answer)))
	os.Exit(1)
}
