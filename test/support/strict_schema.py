"""Is a value of exactly the types that a JSON Schema of docs/schema/ asks for?

Stricter than JSON Schema: an integer is an int, never a float that happens to be whole, bytes are
msgpack bin, a field that the schema does not name is wrong. Knows what the protocol's schemas use and
no more: a word that it does not know is an error, not passed over.
"""
import functools
import json
import re


class Wrong(Exception):
    pass


DESCRIBES = {"$schema", "$id", "title", "description", "examples", "discriminator", "required", "type"}
INT64 = range(-(2**63), 2**63)
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


@functools.lru_cache(maxsize=None)
def load_schema(name):
    with open(f"docs/schema/{name}.schema.json", encoding="utf-8") as file:
        return json.load(file)


def demand(holds, where, what):
    if not holds:
        raise Wrong(f"{where}: {what}")


def utf16_length(text):
    return len(text.encode("utf-16-le")) // 2


def matches(pattern, text):
    # A `$` of Python's holds before a last line feed, too.
    return re.search(re.sub(r"\$$", r"\\Z", pattern), text) is not None


def check_type(value, name, where):
    if name == "number":
        demand(type(value) in (int, float), where, f"{type(value).__name__} is no number")
    else:
        demand(type(value) is TYPES[name], where, f"{type(value).__name__} is no {name}")
    if type(value) is int:
        demand(value in INT64, where, f"{value} is more than 64 bits")


def check_map(value, schema, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        demand(name in value, where, f"{name} is missing")
    for name, field in value.items():
        demand(type(name) is str, where, f"the key {name!r} is no str")
        if "propertyNames" in schema:
            check(name, schema["propertyNames"], f"{where} key")
        of = properties.get(name, schema.get("additionalProperties", False))
        if type(of) is not dict:
            demand("oneOf" in schema, where, f"{name} is no field of it")
            continue
        check(field, of, f"{where}.{name}")


def check_list(value, schema, where):
    first = schema.get("prefixItems", [])
    for i, item in enumerate(value):
        of = first[i] if i < len(first) else schema["items"]
        demand(of is not False, where, f"more than {len(first)} items")
        check(item, of, f"{where}[{i}]")


def check_one(value, schemas, where):
    """Of a list of items the one of that kind; else whichever fits."""
    kinds = {of.get("properties", {}).get("kind", {}).get("const"): of for of in schemas}
    if None not in kinds:
        demand(value.get("kind") in kinds, where, f"no such kind as {value.get('kind')!r}")
        return check(value, kinds[value["kind"]], where)
    problems = []
    for of in schemas:
        try:
            return check(value, of, where)
        except Wrong as problem:
            problems.append(str(problem))
    raise Wrong(" and ".join(problems))


RULES = {
    "const": lambda value, wanted: type(value) is type(wanted) and value == wanted,
    "enum": lambda value, words: value in words,
    "pattern": lambda value, pattern: matches(pattern, value),
    "minimum": lambda value, least: value >= least,
    "maximum": lambda value, most: value <= most,
    "minLength": lambda value, least: utf16_length(value) >= least,
    "maxLength": lambda value, most: utf16_length(value) <= most,
    "minItems": lambda value, least: len(value) >= least,
    "maxItems": lambda value, most: len(value) <= most,
    "maxProperties": lambda value, most: len(value) <= most,
    "binary": lambda value, wanted: type(value) is bytes,
    "maxBytes": lambda value, most: len(value) <= most,
}
INSIDE = {"properties", "propertyNames", "additionalProperties", "items", "prefixItems"}


def check(value, schema, where):
    unknown = set(schema) - DESCRIBES - set(RULES) - INSIDE - {"oneOf", "anyOf"}
    demand(not unknown, where, f"its schema says {unknown}, which nobody reads here")
    if "type" in schema:
        check_type(value, schema["type"], where)
    for word, rule in RULES.items():
        if word in schema:
            demand(rule(value, schema[word]), where, f"{value!r} against {word} {schema[word]!r}")
    for word in ("oneOf", "anyOf"):
        if word in schema:
            check_one(value, schema[word], where)
    if type(value) is dict and "anyOf" not in schema:
        check_map(value, schema, where)
    if type(value) is list and "anyOf" not in schema:
        check_list(value, schema, where)
