// What the kernel knows of a peer we are not reading from.

#pragma once

#include "orggate/net/stream.hpp"

namespace orggate::upstream {

enum class PeerState {
    there,
    finished,  // it has ended its side; it may still read
    broken,    // it is gone
};

PeerState state_of_peer(net::Stream& stream);

}  // namespace orggate::upstream
