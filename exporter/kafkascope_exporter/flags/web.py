"""Flags: the exporter's own HTTP server."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "HTTP server"

FLAGS = (
    Flag(
        "web.listen-address",
        "web.listen_address",
        "ADDRESS",
        ":9308",
        "Where to listen: :9308, 127.0.0.1:9308 or [::1]:9308.",
    ),
    Flag(
        "web.telemetry-path",
        "web.telemetry_path",
        "PATH",
        "/metrics",
        "Path of the metrics.",
    ),
    Flag("server.tls.enabled", "web.tls.enabled", "", "false", "Serve HTTPS."),
    Flag(
        "server.tls.mutual-auth-enabled",
        "web.tls.mutual_auth_enabled",
        "",
        "false",
        "Require a client certificate that --server.tls.ca-file signed.",
    ),
    Flag(
        "server.tls.ca-file",
        "web.tls.ca_file",
        "FILE",
        "",
        "Certificate authorities (PEM) of the clients.",
    ),
    Flag(
        "server.tls.cert-file",
        "web.tls.cert_file",
        "FILE",
        "",
        "Certificate of the server (PEM, with its chain).",
    ),
    Flag(
        "server.tls.key-file",
        "web.tls.key_file",
        "FILE",
        "",
        "Private key of the server certificate (PEM).",
    ),
)
