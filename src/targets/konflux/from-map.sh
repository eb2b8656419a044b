#!/bin/sh
# Puts OKD's images in the place of what a Dockerfile is built from: whole words behind FROM, `--from=` and `from=` of a mount,
# compared letter by letter. Flags, names of stages and all other bytes stay. A text of the map that the Dockerfile does not
# have ends the run: the map is of another Dockerfile then.
set -eu
LC_ALL=C
export LC_ALL
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/map" <<'LOCKSTEP_END_OF_MAP'
$(params.from-map)
LOCKSTEP_END_OF_MAP
cat > "$work/dockerfile" <<'LOCKSTEP_END_OF_NAME'
$(params.dockerfile)
LOCKSTEP_END_OF_NAME
cat > "$work/context" <<'LOCKSTEP_END_OF_NAME'
$(params.path-context)
LOCKSTEP_END_OF_NAME
dockerfile=$(cat "$work/dockerfile")
context=$(cat "$work/context")
if ! grep -q . "$work/map"; then
  echo "no image is replaced: the map is empty"
  exit 0
fi
file=${context:-.}/$dockerfile
[ -f "$file" ] || file=$dockerfile
if [ ! -f "$file" ]; then
  echo "there is no Dockerfile $dockerfile, neither in ${context:-.} nor at the root" >&2
  exit 1
fi
awk -v map="$work/map" '
  BEGIN {
    while ((getline line < map) > 0) {
      sub(/\r$/, "", line)
      if (line ~ /^[ \t]*$/) continue
      at = 0
      for (i = length(line); i > 1; i--) if (substr(line, i, 1) == "=") { at = i; break }
      if (!at) { print "this is no line of a map: " line > "/dev/stderr"; failed = 1; exit }
      text = substr(line, 1, at - 1)
      with[text] = substr(line, at + 1)
      order[++texts] = text
    }
    escape = "\\"
    directives = 1
  }
  # What stands for a text; counts that it was found.
  function replaced(text) {
    if (tolower(text) in stage || !(text in with)) return text
    found[text]++
    return with[text]
  }
  function mount(word,    parts, n, i, out) {
    n = split(word, parts, ",")
    for (i = 1; i <= n; i++) {
      if (i == 1 && parts[1] ~ /^--mount=from=/) parts[1] = "--mount=from=" replaced(substr(parts[1], 14))
      else if (i > 1 && parts[i] ~ /^from=/) parts[i] = "from=" replaced(substr(parts[i], 6))
      out = out (i > 1 ? "," : "") parts[i]
    }
    return out
  }
  # A word that begins a document within the Dockerfile.
  function begins_document(word,    name) {
    if (word !~ /^[0-9]*<<-?["\047]?[A-Za-z_][A-Za-z0-9_.]*["\047]?$/) return
    name = word
    sub(/^[0-9]*<</, "", name)
    documents++
    tabs[documents] = sub(/^-/, "", name)
    gsub(/["\047]/, "", name)
    ends[documents] = name
  }
  function word_of(word) {
    if (instruction == "") {
      instruction = toupper(word)
      at_flags = 1
      begun = name_follows = 0
      return word
    }
    if (instruction == "FROM") {
      if (!begun && word ~ /^--/) return word
      if (!begun) { begun = 1; return replaced(word) }
      if (name_follows) { stage_name = tolower(word); name_follows = 0 }
      else if (toupper(word) == "AS") name_follows = 1
      return word
    }
    if (instruction !~ /^(RUN|COPY|ADD)$/) return word
    begins_document(word)
    if (word !~ /^--/) at_flags = 0
    if (!at_flags) return word
    if (word ~ /^--from=/ && instruction != "RUN") return "--from=" replaced(substr(word, 8))
    if (word ~ /^--mount=/ && instruction == "RUN") return mount(word)
    return word
  }
  # The line with its words replaced; sets `goes_on`.
  function line_of(line,    out, rest, word) {
    goes_on = 0
    rest = line
    while (rest != "") {
      if (match(rest, /^[ \t\r\f]+/)) { out = out substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1); continue }
      match(rest, /^[^ \t\r\f]+/)
      word = substr(rest, 1, RLENGTH)
      rest = substr(rest, RLENGTH + 1)
      if (rest ~ /^[ \t\r\f]*$/ && substr(word, length(word), 1) == escape) {
        goes_on = 1
        word = substr(word, 1, length(word) - 1)
        if (word != "") out = out word_of(word)
        out = out escape
        continue
      }
      out = out word_of(word)
    }
    return out
  }
  function ended() {
    if (stage_name != "") stage[stage_name] = 1
    stage_name = ""
    instruction = ""
    reading = documents > 0
    next_document = 1
  }
  {
    if (reading) {
      body = $0
      sub(/\r$/, "", body)
      if (tabs[next_document]) sub(/^\t+/, "", body)
      if (body == ends[next_document] && ++next_document > documents) { reading = 0; documents = 0 }
      print
      next
    }
    if ($0 ~ /^[ \t]*#/) {
      if (directives && tolower($0) ~ /^[ \t]*#[ \t]*escape[ \t]*=[ \t]*`[ \t\r]*$/) escape = "`"
      else if (directives && $0 !~ /^[ \t]*#[ \t]*[A-Za-z]+[ \t]*=/) directives = 0
      print
      next
    }
    directives = 0
    if ($0 ~ /^[ \t\r]*$/) { print; next }
    print line_of($0)
    if (!goes_on) ended()
  }
  END {
    if (failed) exit 1
    for (i = 1; i <= texts; i++) if (!(order[i] in found)) {
      print "the Dockerfile names nowhere: " order[i] > "/dev/stderr"
      failed = 1
    }
    if (failed) exit 1
  }
' "$file" > "$work/new"
# A last line without its break has none afterwards.
if [ -n "$(tail -c 1 "$file")" ]; then
  size=$(wc -c < "$work/new")
  head -c "$((size - 1))" "$work/new" > "$work/short"
  mv "$work/short" "$work/new"
fi
cat "$work/new" > "$file"
echo "$file is built from:"
grep -i '^[[:space:]]*FROM[[:space:]]' "$file" || true
