// Certificates made for one test run, as PEM files in a directory of their own.

#pragma once

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace orggate::test {

// A directory that goes away with it.
class TemporaryDirectory {
public:
    TemporaryDirectory()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "orggate-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~TemporaryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

struct Free {
    void operator()(X509* x) const { X509_free(x); }
    void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
    void operator()(std::FILE* x) const { std::fclose(x); }
    void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

struct Wanted {
    std::string common_name = "peer";
    std::string names;  // "DNS:localhost,IP:127.0.0.1"; empty: no such extension
    long valid_from = -3600, valid_for = 7200;  // seconds, relative
    bool is_authority = false;
};

struct Certificate {
    Owned<X509> certificate;
    Owned<EVP_PKEY> key;
    std::string cert_file, key_file;
};

inline void extend(X509* certificate, int kind, const std::string& text)
{
    Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, text.c_str()));
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension.get(), -1);
}

// Signed by `issuer`, or by itself.
inline Certificate issue(const TemporaryDirectory& directory, const std::string& file,
    const Wanted& wanted, const Certificate* issuer = nullptr)
{
    static long serial = 1;
    Certificate made{Owned<X509>(X509_new()), Owned<EVP_PKEY>(EVP_EC_gen("P-256")),
        directory.file(file + ".crt"), directory.file(file + ".key")};
    X509* x = made.certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), wanted.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(x), wanted.valid_from + wanted.valid_for);
    X509_set_pubkey(x, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()), -1, -1, 0);
    const X509* by = issuer != nullptr ? issuer->certificate.get() : x;
    X509_set_issuer_name(x, X509_get_subject_name(by));
    extend(x, NID_basic_constraints, wanted.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!wanted.names.empty()) extend(x, NID_subject_alt_name, wanted.names);
    EVP_PKEY* signer = issuer != nullptr ? issuer->key.get() : made.key.get();
    REQUIRE(X509_sign(x, signer, EVP_sha256()) > 0);

    Owned<std::FILE> cert_out(std::fopen(made.cert_file.c_str(), "w"));
    PEM_write_X509(cert_out.get(), x);
    Owned<std::FILE> key_out(std::fopen(made.key_file.c_str(), "w"));
    PEM_write_PrivateKey(key_out.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return made;
}

// An authority and a server it vouches for.
struct Certificates {
    TemporaryDirectory directory;
    Certificate authority, server;

    explicit Certificates(const std::string& names = "DNS:localhost,DNS:app.test,IP:127.0.0.1")
    {
        Wanted root;
        root.common_name = "test authority";
        root.is_authority = true;
        authority = issue(directory, "authority", root);
        Wanted leaf;
        leaf.names = names;
        server = issue(directory, "server", leaf, &authority);
    }
};

}  // namespace orggate::test
