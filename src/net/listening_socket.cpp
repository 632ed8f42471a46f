#include "orggate/net/listening_socket.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace orggate::net {

using boost::system::error_code;

namespace {

using Tcp = boost::asio::ip::tcp;

constexpr int queue = 4096;  // the kernel takes net.core.somaxconn if that is less
constexpr mode_t unix_mode = 0660;

std::string text_of(const config::Address& address)
{
    if (address.is_unix()) return "unix:" + address.unix_path;
    const bool is_bare_v6 = address.host.find(':') != std::string::npos && address.host[0] != '[';
    const std::string host = is_bare_v6 ? "[" + address.host + "]" : address.host;
    return host + ":" + std::to_string(address.port);
}

std::string without_brackets(const std::string& host)
{
    if (host.size() < 2 || host.front() != '[' || host.back() != ']') return host;
    return host.substr(1, host.size() - 2);
}

sockaddr_un unix_address(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

// Somebody accepts there, or might: only a refused connection proves that nobody does.
bool is_live(const std::string& path)
{
    const sockaddr_un address = unix_address(path);
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) return true;
    const int result =
        ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const bool is_refused = result != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return !is_refused;
}

bool is_socket(const std::string& path)
{
    struct stat file {};
    return ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

error_code last_error()
{
    return {errno, boost::system::system_category()};
}

error_code bind_to(int descriptor, const sockaddr_un& address)
{
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return {};
    return last_error();
}

void set_flag(int descriptor, int level, int option, int value)
{
    ::setsockopt(descriptor, level, option, &value, sizeof value);
}

}  // namespace

boost::system::result<ListeningSocket, std::string> ListeningSocket::open(
    const config::Address& address)
{
    ListeningSocket made;
    const error_code error =
        address.is_unix() ? made.open_unix(address.unix_path) : made.open_tcp(address);
    if (error) return "cannot listen on " + text_of(address) + ": " + error.message();
    return made;
}

ListeningSocket::~ListeningSocket()
{
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    struct stat file {};
    // Another process may have replaced it meanwhile; then it is not ours to remove.
    if (!file_.empty() && ::lstat(file_.c_str(), &file) == 0 && file.st_dev == file_device_ &&
        file.st_ino == file_number_)
        ::unlink(file_.c_str());
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      family_(other.family_),
      port_(other.port_),
      address_(std::move(other.address_)),
      file_(std::move(other.file_)),
      file_device_(other.file_device_),
      file_number_(other.file_number_)
{
}

int ListeningSocket::duplicate() const
{
    return ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
}

error_code ListeningSocket::open_any(int family)
{
    family_ = family;
    descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return descriptor_ < 0 ? last_error() : error_code();
}

error_code ListeningSocket::open_tcp(const config::Address& wanted)
{
    error_code error;
    const std::string host =
        wanted.host == "localhost" ? "127.0.0.1" : without_brackets(wanted.host);
    Tcp::endpoint endpoint(boost::asio::ip::make_address(host, error), wanted.port);
    if (error) return error;
    if (error = open_any(endpoint.data()->sa_family); error) return error;
    // A restart must not wait for connections of the last run to be forgotten.
    set_flag(descriptor_, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family_ == AF_INET6) set_flag(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (::bind(descriptor_, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
        ::listen(descriptor_, queue) != 0)
        return last_error();
    auto size = static_cast<socklen_t>(endpoint.capacity());
    if (::getsockname(descriptor_, endpoint.data(), &size) != 0) return last_error();
    port_ = endpoint.port();
    address_ = text_of(config::Address{endpoint.address().to_string(), port_, {}});
    return {};
}

error_code ListeningSocket::open_unix(const std::string& path)
{
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return {ENAMETOOLONG, boost::system::system_category()};
    if (const error_code no_socket = open_any(AF_UNIX); no_socket) return no_socket;
    const sockaddr_un address = unix_address(path);
    // On Linux the file is born with this mode: nobody else connects before the chmod.
    ::fchmod(descriptor_, unix_mode);
    error_code error = bind_to(descriptor_, address);
    if (error == boost::system::errc::address_in_use && is_socket(path) && !is_live(path)) {
        ::unlink(path.c_str());
        error = bind_to(descriptor_, address);
    }
    if (error) return error;
    struct stat file {};
    if (::chmod(path.c_str(), unix_mode) != 0 || ::lstat(path.c_str(), &file) != 0 ||
        ::listen(descriptor_, queue) != 0)
        return last_error();
    file_ = path;
    file_device_ = file.st_dev;
    file_number_ = file.st_ino;
    address_ = "unix:" + path;
    return {};
}

}  // namespace orggate::net
