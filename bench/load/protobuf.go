package main

import "encoding/binary"

// Just enough protobuf for the requests: fields of length-delimited and varint type.

func appendBytes(message []byte, field int, value []byte) []byte {
	message = binary.AppendUvarint(message, uint64(field)<<3|2)
	message = binary.AppendUvarint(message, uint64(len(value)))
	return append(message, value...)
}

func appendVarint(message []byte, field int, value uint64) []byte {
	message = binary.AppendUvarint(message, uint64(field)<<3)
	return binary.AppendUvarint(message, value)
}
