#!/bin/bash
# "make run": the main job on a real Postfix, each command as a user would type it, with what it answers.
#
# A signed SNS bounce comes in; from then on Postfix refuses that recipient, at RCPT TO and from sendmail(1), and everybody
# else's mail flows. Then it serves until Ctrl-C; with ONCE=1 it ends. Status 0 only if every step was as expected.
# Everything is in a temporary directory and on the loopback; processes are ended by their own ids.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$top/target/release}
PATH=$build:$build/examples:/usr/sbin:/usr/bin:/sbin:/bin
topic=arn:aws:sns:us-east-1:123456789012:ses-feedback
[ "$(id -u)" = 0 ] || { echo "make run: a private Postfix needs root; install sudo or run it as root" >&2; exit 1; }

dir=$(mktemp -d /tmp/suppressd-run.XXXXXX)
pids=()
clean_up() {
  local status=$?
  trap - EXIT INT TERM
  postfix -c "$dir/etc" stop >/dev/null 2>&1 || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 0' INT TERM

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
last_port=2500
free_port() {
  last_port=$((last_port + 1))
  while taken "$last_port"; do last_port=$((last_port + 1)); done
}
title() { printf '\n=== %s\n' "$1"; }
fail() {
  printf '\nNOT AS EXPECTED: %s\n' "$1"
  tail -n 20 "$dir/maillog" "$dir/suppressd.log" 2>/dev/null || true
  exit 1
}
# Types a command, keeps and shows what it says; its status does not matter, what it says does.
type_in() {
  printf '$ %s\n' "$1"
  said=$(eval "$1" 2>&1) || true
  [ -z "$said" ] || printf '%s\n' "$said" | sed 's/^/  /'
}
# Starts a command that stays, with its output in a file.
start() {
  printf '$ %s &\n' "$1"
  eval "exec $1" >"$2" 2>&1 </dev/null &
  pids+=($!)
}
expect() { [[ $said == *"$1"* ]] || fail "\"$1\" is missing above"; }
expect_not() { [[ $said != *"$1"* ]] || fail "\"$1\" must not be above"; }
# Waits until a condition holds.
until_so() {
  local tries
  for tries in $(seq 200); do
    if eval "$2"; then return; fi
    sleep 0.1
  done
  fail "$1 was not seen in 20 seconds"
}
# An SMTP session: each line is sent, each reply is shown.
smtp() {
  printf '$ telnet 127.0.0.1 %s\n' "$smtp_port"
  exec 5<>"/dev/tcp/127.0.0.1/$smtp_port"
  said=
  smtp_reply
  for line; do
    printf '%s\n' "$line" | tr -d '\r' | sed 's/^/  > /'
    printf '%s\r\n' "$line" >&5
    smtp_reply
  done
  exec 5>&-
}
smtp_reply() {
  local reply
  while IFS= read -r -t 20 reply <&5; do
    reply=${reply%$'\r'}
    printf '  < %s\n' "$reply"
    said+=$reply$'\n'
    [[ $reply == ???-* ]] || return 0
  done
  fail "Postfix did not answer"
}

free_port; http_port=$last_port
free_port; admin_port=$last_port
last_port=2524
free_port; smtp_port=$last_port
free_port; relay_port=$last_port

title "A Postfix of our own, from postfix/transport.cf, with a relay behind it in the place of Amazon SES"
"$top/tests/e2e/postfix.sh" "$dir" "$smtp_port" "$relay_port" transport.cf
cd "$dir"
mkdir db
type_in "tail -n 9 etc/main.cf"
start "smtp-sink -u root -D relayed 127.0.0.1:$relay_port 100" relay.log
type_in "postfix -c $dir/etc start"
until_so "the relay" "taken $relay_port"
until_so "Postfix" "taken $smtp_port"

title "A stand-in for Amazon SNS: its own certificate authority, signing certificate and proxy"
start "sns-standin serve sns" sns.log
until_so "the stand-in" "[ -s sns/proxy ] && [ -s sns/ca.pem ]"
proxy=$(cat sns/proxy)

title "suppressd, with its embedded SQLite"
cat > suppressd.toml <<TOML
database = "$dir/db/suppressd.db"
[http]
listen = ["127.0.0.1:$http_port"]
[admin]
listen = ["127.0.0.1:$admin_port"]
[sns]
topics = ["$topic"]
proxy = "$proxy"
ca-file = "$dir/sns/ca.pem"
[lookup]
socketmap = ["unix:$dir/spool/suppressd/lookup.sock"]
policy = ["unix:$dir/spool/suppressd/policy.sock"]
[log]
to = "stderr"
TOML
type_in "cat suppressd.toml"
type_in "suppressd --config suppressd.toml config check"
start "suppressd --config suppressd.toml serve" suppressd.log
until_so "suppressd" "taken $http_port && [ -S spool/suppressd/lookup.sock ]"

title "Before: nobody is on the list"
type_in "postmap -c $dir/etc -q bob@example.com socketmap:unix:spool/suppressd/lookup.sock:access"
[ -z "$said" ] || fail "bob is on the list before he bounced"

title "SES tells SNS, and SNS tells suppressd, that mail to bob bounced; the message is signed"
type_in "sns-standin send sns http://127.0.0.1:$http_port/sns --bounce bob@example.com --topic $topic"
expect 200
until_so "the event in the log" "grep -q 'to=<bob@example.com>' suppressd.log"
type_in "grep 'to=<bob@example.com>' suppressd.log"
expect "kind=hard_bounce"
expect "action=suppressed"

title "After: Postfix finds him"
type_in "postmap -c $dir/etc -q bob@example.com socketmap:unix:spool/suppressd/lookup.sock:access"
expect "550 5.1.1 Recipient is on the suppression list (hard bounce since "
type_in "postmap -c $dir/etc -q alice@example.com socketmap:unix:spool/suppressd/lookup.sock:access"
[ -z "$said" ] || fail "alice is on the list"

title "At RCPT TO: 550 for bob, 250 for alice"
smtp "EHLO client.example" "MAIL FROM:<shop@local.example>" "RCPT TO:<bob@example.com>" "RCPT TO:<alice@example.com>" \
  "DATA" "Subject: order 1"$'\r\n\r\n'"Thank you."$'\r\n'"." "QUIT"
expect "550 5.1.1 <bob@example.com>: Recipient address rejected: Recipient is on the suppression list (hard bounce"
expect "250 2.1.5 Ok"

title "From sendmail(1): bob's mail comes back to its sender and never reaches the relay"
type_in "printf 'Subject: order 2\n\nThank you.\n' | sendmail -C $dir/etc -f shop@local.example bob@example.com"
type_in "printf 'Subject: order 3\n\nThank you.\n' | sendmail -C $dir/etc -f shop@local.example alice@example.com"
until_so "the bounce in the sender's mailbox" "grep -qs '^Status: 5.1.1' mail/inbox"
until_so "alice's mail at the relay" "grep -qs 'Subject: order 3' relayed"
type_in "sed -n '/^To:/p; /^Final-Recipient:/,/^\$/p' mail/inbox"
expect "To: shop@local.example"
expect "Final-Recipient: rfc822; bob@example.com"
expect "Diagnostic-Code: X-Postfix; Recipient is on the suppression list"
type_in "grep -E '^(X-Rcpt-Args|Subject):' relayed"
expect "Subject: order 1"
expect "Subject: order 3"
expect_not "bob@example.com"
expect_not "order 2"

title "Why?"
type_in "suppressd --config suppressd.toml why bob@example.com"
expect "bob@example.com"
type_in "sqlite3 -header -column db/suppressd.db 'SELECT address, kind, status, since, until, source FROM suppression'"
expect "bob@example.com"
expect "hard_bounce"

title "All as expected"
[ "${ONCE:-}" != 1 ] || exit 0
cat <<TXT
It serves until Ctrl-C. In another terminal, as root:

  cd $dir
  sns-standin send sns http://127.0.0.1:$http_port/sns --bounce carol@example.com --topic $topic
  postmap -c $dir/etc -q carol@example.com socketmap:unix:spool/suppressd/lookup.sock:access
  suppressd --config suppressd.toml list
  suppressd --config suppressd.toml remove bob@example.com
  curl http://127.0.0.1:$admin_port/health

with suppressd in $build and sns-standin in $build/examples. SMTP is on port $smtp_port. The log:

TXT
tail -n 0 -f suppressd.log &
pids+=($!)
wait "${pids[0]}"
