"""Flags: SASL to the brokers."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "SASL to the brokers"

FLAGS = (
    Flag(
        "sasl.enabled",
        "clusters[0].sasl.enabled",
        "",
        "false",
        "Authenticate with SASL.",
    ),
    Flag(
        "sasl.mechanism",
        "clusters[0].sasl.mechanism",
        "NAME",
        "",
        "plain, scram-sha256, scram-sha512, gssapi, awsiam or oauthbearer, in any case.",
    ),
    Flag(
        "sasl.username",
        "clusters[0].sasl.username",
        "NAME",
        "",
        "User name; the client id for oauthbearer, the principal for gssapi.",
    ),
    Flag(
        "sasl.password",
        "clusters[0].sasl.password",
        "TEXT",
        "",
        "Password; the client secret for oauthbearer. The process list shows it: better from a"
        " file or the environment.",
        secret=True,
        fallback="SASL_USER_PASSWORD",
    ),
    Flag(
        "sasl.password-file",
        "clusters[0].sasl.password_file",
        "FILE",
        "",
        "File that holds the password; a newline at its end is dropped.",
    ),
    Flag(
        "sasl.aws-region",
        "clusters[0].sasl.aws_region",
        "REGION",
        "",
        "AWS region of the MSK cluster, for awsiam.",
        fallback="AWS_REGION",
    ),
    Flag(
        "sasl.oauthbearer-token-url",
        "clusters[0].sasl.oauthbearer_token_url",
        "URL",
        "",
        "Where oauthbearer gets its token (client credentials grant).",
        fallback="SASL_OAUTHBEARER_TOKEN_URL",
    ),
    Flag(
        "sasl.oauthbearer-scopes",
        "clusters[0].sasl.oauthbearer_scopes",
        "SCOPE,...",
        "",
        "Scopes to ask for with oauthbearer, separated by commas.",
        shape="list",
    ),
    Flag(
        "sasl.service-name",
        "clusters[0].sasl.service_name",
        "NAME",
        "",
        "Kerberos service name of the brokers, for gssapi.",
    ),
    Flag(
        "sasl.kerberos-config-path",
        "clusters[0].sasl.kerberos_config_path",
        "FILE",
        "",
        "Kerberos configuration (krb5.conf), for gssapi.",
    ),
    Flag(
        "sasl.realm",
        "clusters[0].sasl.realm",
        "REALM",
        "",
        "Kerberos realm, for gssapi.",
    ),
    Flag(
        "sasl.kerberos-auth-type",
        "clusters[0].sasl.kerberos_auth_type",
        "TYPE",
        "",
        "keytabAuth (with --sasl.keytab-path), for gssapi; userAuth, with a password, is refused.",
    ),
    Flag(
        "sasl.keytab-path",
        "clusters[0].sasl.keytab_path",
        "FILE",
        "",
        "Kerberos keytab, for gssapi.",
    ),
)
