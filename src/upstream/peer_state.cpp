#include "upstream/peer_state.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace orggate::upstream {

PeerState state_of_peer(net::Stream& stream)
{
    char byte;
    const auto n = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) return PeerState::there;
    if (n == 0) return PeerState::finished;
    return errno == EAGAIN || errno == EWOULDBLOCK ? PeerState::there : PeerState::broken;
}

}  // namespace orggate::upstream
