#include "shim/monitor/log_syslog.hpp"

#include <array>
#include <ctime>

#include <fmt/format.h>

namespace berth::shim {
namespace {

constexpr int severity_error = 3;
constexpr int severity_info = 6;

bool is_rfc5424(const LogReceiver& settings) {
  return settings.format.starts_with("rfc5424");
}

/// "Nov  2 15:04:05": the months are English whatever the locale.
std::string stamp(const std::tm& tm) {
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", months.at(static_cast<std::size_t>(tm.tm_mon)), tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
}

std::string iso(const std::tm& tm) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                     tm.tm_min, tm.tm_sec);
}

/// As Go's "Z07:00".
std::string zone(const std::tm& tm) {
  const auto minutes = tm.tm_gmtoff / 60;
  if (minutes == 0) return "Z";
  const auto distance = minutes < 0 ? -minutes : minutes;
  return fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', distance / 60, distance % 60);
}

/// As Go's ".999999": without trailing zeros, and nothing for none.
std::string microseconds(Time time) {
  const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
  auto text = fmt::format(".{:06}", std::chrono::floor<std::chrono::microseconds>(fraction).count());
  text.resize(text.find_last_not_of(".0") + 1);
  return text;
}

}  // namespace

SyslogEncoder::SyslogEncoder(const LogReceiver& settings, int pid) : settings_(settings) {
  if (is_rfc5424(settings)) {
    sender_ = fmt::format(" {0} {1} {2} {1} - ", settings.hostname, settings.tag, pid);
  } else {
    // Without a format Docker leaves the host name out.
    const auto host = settings.format.empty() ? std::string{} : settings.hostname + ' ';
    sender_ = fmt::format(" {}{}[{}]: ", host, settings.tag, pid);
  }
}

void SyslogEncoder::append(std::string& out, const LogEntry& entry) {
  write_time(entry.time);
  const int priority = settings_.facility * 8 + (entry.stream == Stream::err ? severity_error : severity_info);
  fmt::format_to(std::back_inserter(out), "<{}>", priority);
  if (is_rfc5424(settings_)) out += "1 ";
  out += time_;
  if (settings_.format == "rfc5424micro") out += microseconds(entry.time);
  out += zone_;
  out += sender_;
  out += entry.text;
  out += '\n';
}

/// The date and the clock are computed once for each second.
void SyslogEncoder::write_time(Time time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second == second_) return;
  second_ = second;
  const std::time_t clock = second.time_since_epoch().count();
  std::tm local{};
  ::localtime_r(&clock, &local);
  time_ = is_rfc5424(settings_) ? iso(local) : stamp(local);
  if (is_rfc5424(settings_)) zone_ = zone(local);
}

}  // namespace berth::shim
