package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
)

// http1Client owns a connection. It writes requests and reads answers itself: net/http costs as much
// as a server's whole work on a request, and all of it would be taken from both sides' processors.
type http1Client struct {
	connection net.Conn
	reader     *bufio.Reader
	head       []byte
	writes     *writes
	buffer     []byte
}

func openHTTP1(writes *writes) opener {
	return func(_ int, endpoint string) (client, error) {
		connection, err := net.Dial("tcp", endpoint)
		if err != nil {
			return nil, err
		}
		head := "POST " + writes.path + " HTTP/1.1\r\nHost: " + endpoint +
			"\r\nContent-Type: application/json\r\n"
		if writes.token != "" {
			head += "Authorization: Bearer " + writes.token + "\r\n"
		}
		return &http1Client{
			connection: connection,
			reader:     bufio.NewReaderSize(connection, 8192),
			head:       []byte(head + "Content-Length: "),
			writes:     writes,
		}, nil
	}
}

func (client *http1Client) write(number uint64) error {
	body := client.writes.json(number)
	request := append(client.buffer[:0], client.head...)
	request = strconv.AppendInt(request, int64(len(body)), 10)
	request = append(append(request, "\r\n\r\n"...), body...)
	client.buffer = request
	if _, err := client.connection.Write(request); err != nil {
		return err
	}
	status, answer, err := client.readAnswer()
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d: %.200s", status, answer)
	}
	return err
}

func (client *http1Client) readAnswer() (status int, body []byte, err error) {
	line, err := client.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("no status line: %.80q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length, chunked := 0, false
	for {
		if line, err = client.reader.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, nil, err
			}
		case "transfer-encoding":
			chunked = strings.TrimSpace(value) == "chunked"
		}
	}
	if chunked {
		body, err = io.ReadAll(httputil.NewChunkedReader(client.reader))
		if err == nil {
			// The chunked reader leaves the empty line after the last chunk.
			_, err = client.reader.ReadSlice('\n')
		}
		return status, body, err
	}
	body = make([]byte, length)
	_, err = io.ReadFull(client.reader, body)
	return status, body, err
}
