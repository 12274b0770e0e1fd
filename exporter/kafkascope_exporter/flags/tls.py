"""Flags: TLS to the brokers."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "TLS to the brokers"

FLAGS = (
    Flag("tls.enabled", "clusters[0].tls.enabled", "", "false", "Connect with TLS."),
    Flag(
        "tls.server-name",
        "clusters[0].tls.server_name",
        "NAME",
        "",
        "Name to expect in the brokers' certificates, where it is not the host connected to.",
    ),
    Flag(
        "tls.ca-file",
        "clusters[0].tls.ca_file",
        "FILE",
        "",
        "Certificate authorities (PEM) to trust. Without it: those of the system.",
    ),
    Flag(
        "tls.cert-file",
        "clusters[0].tls.cert_file",
        "FILE",
        "",
        "Client certificate (PEM, with its chain).",
    ),
    Flag(
        "tls.key-file",
        "clusters[0].tls.key_file",
        "FILE",
        "",
        "Private key of the client certificate (PEM).",
    ),
    Flag(
        "tls.key-password",
        "clusters[0].tls.key_password",
        "TEXT",
        "",
        "Password of the private key. The process list shows it: better from a file.",
        secret=True,
    ),
    Flag(
        "tls.key-password-file",
        "clusters[0].tls.key_password_file",
        "FILE",
        "",
        "File that holds the password of the private key.",
    ),
    Flag(
        "tls.insecure-skip-tls-verify",
        "clusters[0].tls.insecure_skip_tls_verify",
        "",
        "false",
        "Do not verify the brokers' certificates.",
    ),
)
