// A TCP proxy as a Go user writes it: io.Copy in a goroutine per direction.
//
// Between two *net.TCPConn io.Copy splices. With --splice=false the connections are wrapped, so that
// io.Copy sees only Reader and Writer and copies through a buffer of --buffer bytes.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
)

// Hides ReadFrom and WriteTo, through which io.Copy would find splice.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

func pass(to, from *net.TCPConn, splice bool, buffer int) {
	var err error
	if splice {
		_, err = io.Copy(to, from)
	} else {
		_, err = io.CopyBuffer(onlyWriter{to}, onlyReader{from}, make([]byte, buffer))
	}
	if err != nil {
		// A broken stream must not look like one that has ended: pass it on as a reset.
		to.SetLinger(0)
		to.Close()
		from.SetLinger(0)
		from.Close()
		return
	}
	to.CloseWrite()
}

func serve(down *net.TCPConn, upstream *net.TCPAddr, splice bool, buffer int) {
	defer down.Close()
	up, err := net.DialTCP("tcp", nil, upstream)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		down.SetLinger(0)
		return
	}
	defer up.Close()
	done := make(chan struct{})
	go func() {
		pass(up, down, splice, buffer)
		close(done)
	}()
	pass(down, up, splice, buffer)
	<-done
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func main() {
	splice := flag.Bool("splice", true, "splice; false copies")
	buffer := flag.Int("buffer", 32*1024, "bytes per copy")
	flag.Parse()
	listen, err := net.ResolveTCPAddr("tcp", flag.Arg(0))
	fail(err)
	upstream, err := net.ResolveTCPAddr("tcp", flag.Arg(1))
	fail(err)
	listener, err := net.ListenTCP("tcp", listen)
	fail(err)
	for {
		down, err := listener.AcceptTCP()
		fail(err)
		go serve(down, upstream, *splice, *buffer)
	}
}
