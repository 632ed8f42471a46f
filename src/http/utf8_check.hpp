// Whether bytes that come one at a time spell UTF-8: no overlong forms, no surrogates,
// nothing above U+10FFFF.
// Pure. Source: RFC 3629 section 4.

#pragma once

namespace orggate::http {

class Utf8Check {
public:
    bool accept(unsigned char byte)
    {
        if (pending_ > 0) {
            const bool continues = byte >= low_ && byte <= high_;
            low_ = 0x80;
            high_ = 0xbf;
            --pending_;
            return continues;
        }
        if (byte < 0x80) return true;
        if (byte < 0xc2 || byte > 0xf4) return false;
        pending_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        if (byte == 0xe0) low_ = 0xa0;
        if (byte == 0xed) high_ = 0x9f;
        if (byte == 0xf0) low_ = 0x90;
        if (byte == 0xf4) high_ = 0x8f;
        return true;
    }

    // No character is left half spelled.
    bool is_complete() const { return pending_ == 0; }

private:
    int pending_ = 0;
    unsigned char low_ = 0x80, high_ = 0xbf;  // of the next continuation byte
};

}  // namespace orggate::http
