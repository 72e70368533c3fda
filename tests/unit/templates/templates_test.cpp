#include "templates/templates.hpp"

#include <gtest/gtest.h>

namespace berth::templates {
namespace {

std::string run(const std::string& text,
                std::string_view data = R"({"Name":"/web","State":{"ExitCode":3,"Running":false},
    "Env":["A=1","B=2"],"Labels":{"z":"26","a":"1"},"Size":1.5,"Nothing":null})") {
  return Template{"", text}.run(Datum{json::parse(data)});
}

std::string failure_of(const std::string& text) {
  try {
    run(text);
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

TEST(Template, FieldsAndTextAlternate) {
  EXPECT_EQ(run("{{.Name}}: {{.State.ExitCode}}!"), "/web: 3!");
  EXPECT_EQ(run("{{.Size}} {{.Nothing}} {{.Env}} {{.Labels}} {{.Labels.none}}"),
            "1.5 <nil> [A=1 B=2] map[a:1 z:26] <no value>");
}

TEST(Template, NamesAreFoundInGosSpelling) {
  EXPECT_EQ(run("{{.ID}}", R"({"Id":"x"})"), "x");
}

TEST(Template, PipelinesPassTheValueLast) {
  EXPECT_EQ(run(R"({{.Name | printf "%-6s|%s" "a"}})"), "a     |/web");
  EXPECT_EQ(run(R"({{join .Env ","}} {{json .Env}} {{.Name | upper | len}})"), R"(A=1,B=2 ["A=1","B=2"] 4)");
}

TEST(Template, ConditionsChooseTheirBranch) {
  constexpr auto text = R"({{if eq .State.ExitCode 0}}ok{{else if gt .State.ExitCode 2}}bad{{else}}so{{end}})";
  EXPECT_EQ(run(text), "bad");
  EXPECT_EQ(run("{{if .State.Running}}up{{else}}down{{end}} {{with .Name}}<{{.}}>{{else}}-{{end}}"), "down </web>");
  EXPECT_EQ(run(R"({{and .Name "x"}} {{or "" .Name}} {{not .Nothing}})"), "x /web true");
}

TEST(Template, RangeWalksLists) {
  EXPECT_EQ(run("{{range .Env}}[{{.}}]{{end}}"), "[A=1][B=2]");
}

TEST(Template, RangeHasKeysElseBreakAndContinue) {
  EXPECT_EQ(run("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}"), "a=1;z=26;");
  EXPECT_EQ(run("{{range .Nothing}}x{{else}}none{{end}}"), "none");
  EXPECT_EQ(run("{{range $i := 5}}{{if eq $i 1}}{{continue}}{{end}}{{if eq $i 3}}{{break}}{{end}}{{$i}}{{end}}"), "02");
}

TEST(Template, VariablesLiveInTheirBlock) {
  EXPECT_EQ(run(R"({{$x := "a"}}{{if true}}{{$x = "b"}}{{$x := "c"}}{{end}}{{$x}})"), "b");
}

TEST(Template, WhitespaceIsTrimmedWhereAsked) {
  EXPECT_EQ(run("a  {{- .Name -}}  \n b {{/* no text */ -}} c"), "a/webb c");
}

TEST(Template, DefinitionsAreCalled) {
  EXPECT_EQ(run(R"({{define "T"}}[{{.}}]{{end}}{{template "T" .Name}}{{block "B" 1}}<{{.}}>{{end}})"), "[/web]<1>");
}

TEST(Template, FunctionsWorkAsGosDo) {
  EXPECT_EQ(run(R"({{index .Env 1}} {{index .Labels "a"}} {{slice "abcdef" 1 3}} {{len .Labels}})"), "B=2 1 bc 2");
  EXPECT_EQ(run(R"({{title "a b"}} {{lower "A"}} {{pad "x" 1 2}}| {{truncate "abc" 2}} {{html "<&>"}})"),
            "A B a  x  | ab &lt;&amp;&gt;");
  EXPECT_EQ(run(R"({{range split "a,b" ","}}({{.}}){{end}} {{print 1 2 "a" 3}} {{println 1}})"), "(a)(b) 1 2a3 1\n");
}

TEST(Template, PrintfFormatsAsGo) {
  EXPECT_EQ(run(R"({{printf "%d|%5d|%-5d|%05d|%x|%t|%q|%v|%.2f|%%" 7 7 7 7 255 true "a\"b" "v" 1.0}})"),
            "7|    7|7    |00007|ff|true|\"a\\\"b\"|v|1.00|%");
  EXPECT_EQ(run(R"({{printf "%d %s" "x"}} {{printf "%d" 1 2}})"), "%!d(string=x) %!s(MISSING) 1%!(EXTRA int=2)");
}

TEST(Template, JsonKeepsNumbersAndOrder) {
  EXPECT_EQ(run("{{json .}}", R"({"b":1.5,"a":[1,true,null],"c":"<é>"})"), R"({"b":1.5,"a":[1,true,null],"c":"<é>"})");
}

TEST(Template, WhatCannotBeParsedIsSaidAsGoSaysIt) {
  EXPECT_EQ(failure_of("{{.ID"), "template: :1: unclosed action");
  EXPECT_EQ(failure_of("{{foo .ID}}"), "template: :1: function \"foo\" not defined");
  EXPECT_EQ(failure_of("a\n{{end}}"), "template: :2: unexpected {{end}}");
  EXPECT_EQ(failure_of("{{if .ID}}x"), "template: :1: unexpected EOF");
  EXPECT_EQ(failure_of("{{if}}x{{end}}"), "template: :1: missing value for if");
  EXPECT_EQ(failure_of("{{$y}}"), "template: :1: undefined variable \"$y\"");
  EXPECT_EQ(failure_of("{{\"abc}}"), "template: :1: unterminated quoted string");
  EXPECT_EQ(failure_of("{{(.ID}}"), "template: :1: unclosed left paren");
}

TEST(Template, WhatCannotBeRunNamesThePlace) {
  EXPECT_EQ(failure_of("{{.Foo}}"), "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"");
  EXPECT_EQ(failure_of("{{.State.Foo}}"),
            "template: :1:8: executing \"\" at <.State.Foo>: map has no entry for key \"Foo\"");
  EXPECT_EQ(failure_of("{{.Name.Foo}}"),
            "template: :1:7: executing \"\" at <.Name.Foo>: can't evaluate field Foo in type string");
  EXPECT_EQ(failure_of("{{len 3}}"), "template: :1:2: executing \"\" at <len 3>: error calling len: len of type int");
  EXPECT_EQ(failure_of("{{index .Env 9}}"),
            "template: :1:2: executing \"\" at <index .Env 9>: error calling index: index out of range: 9");
}

}  // namespace
}  // namespace berth::templates
