#include "app/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace orggate::app {
namespace {

int rounded_up(long quota, long period)
{
    return quota <= 0 || period <= 0 ? 0 : static_cast<int>((quota + period - 1) / period);
}

int quota_in_v2(const std::string& folder)
{
    std::ifstream file(folder + "/cpu.max");
    std::string quota;
    long period = 0;
    if (!(file >> quota >> period) || quota == "max") return 0;
    return rounded_up(std::atol(quota.c_str()), period);
}

int quota_in_v1(const std::string& folder)
{
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
    std::ifstream period_file(folder + "/cpu.cfs_period_us");
    long quota = 0, period = 0;
    if (!(quota_file >> quota) || !(period_file >> period)) return 0;
    return rounded_up(quota, period);
}

// This process's folder below a hierarchy's mount point, from /proc/self/cgroup.
std::string own_path(const std::string& root, const std::string& controller)
{
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == line.npos) continue;
        const auto names = "," + line.substr(first + 1, second - first - 1) + ",";
        if (names == (controller.empty() ? ",," : names) &&
            names.find("," + controller + ",") != names.npos)
            return line.substr(second + 1);
    }
    return "/";
}

int smaller(int a, int b)
{
    return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

// A parent's quota binds too.
int smallest_quota(const std::string& mount, std::string path, int (*quota_in)(const std::string&))
{
    int smallest = 0;
    for (;;) {
        smallest = smaller(smallest, quota_in(mount + path));
        if (path.empty() || path == "/") return smallest;
        path.resize(path.rfind('/'));
    }
}

}  // namespace

int quota_processors(const std::string& root)
{
    const auto mount = root + "/sys/fs/cgroup";
    const int v2 = smallest_quota(mount, own_path(root, ""), quota_in_v2);
    const int v1 = smallest_quota(mount + "/cpu", own_path(root, "cpu"), quota_in_v1);
    return smaller(v2, v1);
}

int usable_processors(const std::string& root)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    const int quota = quota_processors(root);
    return std::max(1, quota == 0 ? allowed : std::min(allowed, quota));
}

}  // namespace orggate::app
