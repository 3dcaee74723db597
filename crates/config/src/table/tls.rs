//! Rows: encrypted connections.

use super::{INT_MAX, group, integer};
use crate::Text;
use crate::parameter::Kind;
use crate::value::TlsAuthClients;

group! {
    /// Encrypted connections.
    tls: Tls {
        /// TLS port to listen on; 0 listens on none.
        "tls-port" => tls_port: u16 = "0", integer(0, 65535);

        /// Whether the cluster bus is encrypted.
        "tls-cluster" => tls_cluster: bool = "no", Kind::Flag;

        /// Whether replication is encrypted.
        "tls-replication" => tls_replication: bool = "no", Kind::Flag;

        /// Whether clients must show a certificate.
        "tls-auth-clients" => tls_auth_clients: TlsAuthClients = "yes",
            Kind::Choice(TlsAuthClients::NAMES);

        /// Certificate of this server.
        "tls-cert-file" => tls_cert_file: Text = "\"\"", Kind::Optional, VOLATILE;

        /// Its private key.
        "tls-key-file" => tls_key_file: Text = "\"\"", Kind::Optional, VOLATILE;

        /// Password of that key.
        "tls-key-file-pass" => tls_key_file_pass: Text = "\"\"", Kind::Optional, SENSITIVE;

        /// Certificate for connections that this node opens; empty for the server's.
        "tls-client-cert-file" => tls_client_cert_file: Text = "\"\"", Kind::Optional, VOLATILE;

        /// Its private key.
        "tls-client-key-file" => tls_client_key_file: Text = "\"\"", Kind::Optional, VOLATILE;

        /// Password of that key.
        "tls-client-key-file-pass" => tls_client_key_file_pass: Text = "\"\"", Kind::Optional,
            SENSITIVE;

        /// Diffie-Hellman parameters.
        "tls-dh-params-file" => tls_dh_params_file: Text = "\"\"", Kind::Optional, VOLATILE;

        /// Certificates of trusted authorities, in one file.
        "tls-ca-cert-file" => tls_ca_cert_file: Text = "\"\"", Kind::Optional, VOLATILE;

        /// Certificates of trusted authorities, in a directory.
        "tls-ca-cert-dir" => tls_ca_cert_dir: Text = "\"\"", Kind::Optional, VOLATILE;

        /// TLS versions to offer, such as `"TLSv1.2 TLSv1.3"`; empty for the library's choice.
        "tls-protocols" => tls_protocols: Text = "\"\"", Kind::Optional;

        /// Ciphers up to TLS 1.2; empty for the library's choice.
        "tls-ciphers" => tls_ciphers: Text = "\"\"", Kind::Optional;

        /// Cipher suites of TLS 1.3; empty for the library's choice.
        "tls-ciphersuites" => tls_ciphersuites: Text = "\"\"", Kind::Optional;

        /// Whether the server's order of ciphers counts.
        "tls-prefer-server-ciphers" => tls_prefer_server_ciphers: bool = "no", Kind::Flag;

        /// Whether sessions can be resumed.
        "tls-session-caching" => tls_session_caching: bool = "yes", Kind::Flag;

        /// How many sessions are kept for that; 0 is no limit.
        "tls-session-cache-size" => tls_session_cache_size: u32 = "20480", integer(0, INT_MAX);

        /// Seconds that a session is kept.
        "tls-session-cache-timeout" => tls_session_cache_timeout: u32 = "300",
            integer(0, INT_MAX);
    }
}
