#include "observe/utf8.hpp"

namespace orggate::observe {

namespace {

// The bytes that may follow a lead byte: the second within a range, others 80 to BF.
struct Form {
    std::size_t length;
    unsigned char second_from, second_to;
};

Form form_of(unsigned char lead)
{
    if (lead < 0x80) return {1, 0, 0};
    if (lead < 0xC2) return {0, 0, 0};
    if (lead < 0xE0) return {2, 0x80, 0xBF};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};
    if (lead == 0xED) return {3, 0x80, 0x9F};
    if (lead < 0xF0) return {3, 0x80, 0xBF};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead < 0xF4) return {4, 0x80, 0xBF};
    if (lead == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

}  // namespace

std::size_t utf8_length(std::string_view text)
{
    if (text.empty()) return 0;
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const Form form = form_of(byte(0));
    if (form.length > text.size()) return 0;
    if (form.length > 1 && (byte(1) < form.second_from || byte(1) > form.second_to)) return 0;
    for (std::size_t i = 2; i < form.length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    return form.length;
}

}  // namespace orggate::observe
