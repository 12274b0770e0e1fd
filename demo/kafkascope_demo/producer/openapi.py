"""The producer's OpenAPI document."""

from typing import Any, Final

from kafkascope_demo.events import FIELDS

_STRING: Final = {"type": "string"}


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _unavailable(description: str) -> dict[str, Any]:
    seconds = {"description": "Seconds until a new try makes sense.", "schema": {"type": "integer"}}
    return _answer(description, "Message") | {"headers": {"Retry-After": seconds}}


def _health(path_summary: str) -> dict[str, Any]:
    return {
        "get": {
            "summary": path_summary,
            "responses": {
                "200": _answer("Events can be written.", "Health"),
                "503": _answer("They cannot; the check says why.", "Health"),
            },
        }
    }


DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {
        "title": "kafka-producer",
        "version": "1.0.0",
        "description": "Writes events to Kafka: the producer of Kafkascope's demo.",
    },
    "paths": {
        "/kafka/produce": {
            "post": {
                "summary": "Write an event to Kafka.",
                "operationId": "produce",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Event"}}
                    },
                },
                "responses": {
                    "200": _answer("The event is acknowledged.", "Message"),
                    "400": _answer("This is no event; the message says why.", "Message"),
                    "413": _answer("The event is too large.", "Message"),
                    "415": _answer("The request is not application/json.", "Message"),
                    "503": _unavailable("The queue is full, or Kafka did not take the event."),
                },
            }
        },
        "/health": _health("Tell whether Kafka answers, in the shape of MicroProfile Health."),
        "/healthz": _health("The same."),
        "/metrics": {
            "get": {
                "summary": "Metrics for Prometheus; OpenMetrics, with exemplars, where asked for.",
                "responses": {
                    "200": {
                        "description": "Metrics.",
                        "content": {"text/plain": {"schema": _STRING}},
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Event": {
                "type": "object",
                "required": list(FIELDS),
                "properties": dict.fromkeys(FIELDS, _STRING),
                "example": {
                    "title": "Shin Kafka",
                    "speaker": "Shuhei Kawamura",
                    "date": "2024-04-10 19:00",
                },
            },
            "Message": {
                "type": "object",
                "required": ["message"],
                "properties": {"message": _STRING},
            },
            "Health": {
                "type": "object",
                "required": ["status", "checks"],
                "properties": {
                    "status": {"enum": ["UP", "DOWN"]},
                    "checks": {"type": "array", "items": {"type": "object"}},
                },
            },
        }
    },
}
