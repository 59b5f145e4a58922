"""Writes messages.txt: sample messages encoded by Python's protobuf (API-90).

    pip install protobuf && python3 make.py

The schemas are built from the tables beside this folder, not from the .proto
files, so that nothing but the tables is shared with the code under test.

Each line is a message's full name, a word for the sample and its bytes in
base64. Samples: "full" sets every field, of a oneof the last; "zero" sets only
fields with presence, to their default; and one for each other oneof member.
"""

import base64
import pathlib
import re

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    message_factory,
    timestamp_pb2,
)

HERE = pathlib.Path(__file__).parent
FIELD = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": FIELD.TYPE_STRING,
    "bytes": FIELD.TYPE_BYTES,
    "bool": FIELD.TYPE_BOOL,
    "double": FIELD.TYPE_DOUBLE,
    "int32": FIELD.TYPE_INT32,
    "int64": FIELD.TYPE_INT64,
    "uint32": FIELD.TYPE_UINT32,
    "uint64": FIELD.TYPE_UINT64,
}
# The least number takes one byte, the greatest all that the type can have.
SAMPLES = {
    "string": ["Zürich-n042", ""],
    "bytes": [bytes([0, 127, 128, 255]), b""],
    "bool": [True, False],
    "double": [0.1, -1e300],
    "int32": [-1, 2**31 - 1],
    "int64": [-1, 2**63 - 1],
    "uint32": [2**32 - 1, 1],
    "uint64": [2**64 - 1, 1],
}
TIMES = {
    "google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
    "google.protobuf.Duration": "google/protobuf/duration.proto",
}
MAX_DEPTH = 3


def read_tables():
    """Package name to section heading to lines."""
    tables = {}
    for path in sorted((HERE.parent / "tables").glob("*.txt")):
        sections = tables[path.stem] = {}
        for line in filter(None, path.read_text().split("\n")):
            if line.startswith("  "):
                lines.append(line.strip())
            else:
                lines = sections[line] = []
    return tables


def build_pool(tables):
    enums = {
        f"{package}.{heading.split()[1]}"
        for package, sections in tables.items()
        for heading in sections
        if heading.startswith("enum ")
    }
    file = descriptor_pb2.FileDescriptorProto
    pool = descriptor_pool.DescriptorPool()
    for module in (timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    files = {}
    for package, sections in tables.items():
        out = files[package] = file(name=package, package=package, syntax="proto3")
        for heading, lines in sections.items():
            kind, name = heading.split()
            if kind == "message":
                add_message(out.message_type.add(name=name), package, lines, enums)
        for heading, lines in sections.items():
            kind, name = heading.split()
            if kind == "enum":
                add_enum(out, name, lines)
        text = "\n".join(line for lines in sections.values() for line in lines)
        used = {p for p in tables if p != package and re.search(rf"\b{re.escape(p)}\.", text)}
        out.dependency.extend(sorted(used))
        out.dependency.extend(sorted(path for name, path in TIMES.items() if name in text))
    added = set()

    def add(package):
        if package in added or package not in files:
            return
        added.add(package)
        for needed in files[package].dependency:
            add(needed)
        pool.Add(files[package])

    for package in files:
        add(package)
    return pool


def add_enum(file, name, lines):
    *outer, simple = name.split(".")
    holder = next(m for m in file.message_type if m.name == outer[0]) if outer else file
    enum = holder.enum_type.add(name=simple)
    for line in sorted(lines, key=lambda line: int(line.split()[0])):
        number, value = line.split()
        enum.value.add(name=value, number=int(number))


def add_message(message, package, lines, enums):
    oneofs = {}
    optionals = []
    for line in lines:
        number, name, *rest = line.split()
        field = message.field.add(name=name, number=int(number), label=FIELD.LABEL_OPTIONAL)
        if rest[0] == "oneof":
            if rest[1] not in oneofs:
                oneofs[rest[1]] = len(message.oneof_decl)
                message.oneof_decl.add(name=rest[1])
            field.oneof_index = oneofs[rest[1]]
            rest = rest[2:]
        elif rest[0] == "optional":
            field.proto3_optional = True
            optionals.append(field)
            rest = rest[1:]
        elif rest[0] == "repeated":
            field.label = FIELD.LABEL_REPEATED
            rest = rest[1:]
        set_type(message, package, field, rest[0], enums)
    for field in optionals:
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{field.name}")


def set_type(message, package, field, type_name, enums):
    if type_name in SCALARS:
        field.type = SCALARS[type_name]
    elif type_name.startswith("map<"):
        key, value = type_name[4:-1].split(",")
        camel = "".join(word.capitalize() for word in field.name.split("_"))
        entry = message.nested_type.add(name=f"{camel}Entry")
        entry.options.map_entry = True
        optional = FIELD.LABEL_OPTIONAL
        entry.field.add(name="key", number=1, label=optional, type=SCALARS[key])
        entry.field.add(name="value", number=2, label=optional, type=SCALARS[value])
        field.label = FIELD.LABEL_REPEATED
        field.type = FIELD.TYPE_MESSAGE
        field.type_name = f".{package}.{message.name}.{entry.name}"
    else:
        field.type = FIELD.TYPE_ENUM if type_name in enums else FIELD.TYPE_MESSAGE
        field.type_name = f".{type_name}"


def scalar_samples(field):
    if field.type == FIELD.TYPE_ENUM:
        numbers = [value.number for value in field.enum_type.values]
        return [numbers[-1], numbers[0]]
    return next(SAMPLES[name] for name, kind in SCALARS.items() if kind == field.type)


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def fill(message, depth, choice=None):
    """Sets every field; of a oneof the field `choice`, or the last one."""
    for field in message.DESCRIPTOR.fields:
        chosen = choice is not None and field.containing_oneof is choice.containing_oneof
        if chosen and field.containing_oneof is not None and field.name != choice.name:
            continue
        value = getattr(message, field.name)
        if is_map(field):
            value["rack"] = "r1"
        elif field.message_type is not None:
            target = value.add() if field.is_repeated else value
            target.SetInParent()
            if field.message_type.full_name in TIMES:
                target.seconds, target.nanos = 1_800_000_000, 123_000_000
            elif depth < MAX_DEPTH:
                fill(target, depth + 1)
        elif field.is_repeated:
            value.extend(scalar_samples(field))
        else:
            setattr(message, field.name, scalar_samples(field)[0])


def zero(message):
    """Sets what has presence to its default, which must still be encoded."""
    for field in message.DESCRIPTOR.fields:
        if not field.has_presence:
            continue
        if field.message_type is not None:
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, field.default_value)


def samples(message_class):
    full = message_class()
    fill(full, 0)
    yield "full", full
    zeros = message_class()
    zero(zeros)
    if zeros.ByteSize() > 0:
        yield "zero", zeros
    for oneof in message_class.DESCRIPTOR.oneofs:
        for field in oneof.fields[:-1]:
            message = message_class()
            fill(message, 0, field)
            yield field.name, message


def main():
    tables = read_tables()
    pool = build_pool(tables)
    lines = []
    for package, sections in tables.items():
        for heading in sections:
            kind, name = heading.split()
            if kind != "message":
                continue
            descriptor = pool.FindMessageTypeByName(f"{package}.{name}")
            for word, message in samples(message_factory.GetMessageClass(descriptor)):
                data = message.SerializeToString(deterministic=True)
                lines.append(f"{package}.{name} {word} {base64.b64encode(data).decode()}".rstrip())
    (HERE / "messages.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
