#!/bin/sh
# Makes a private Postfix instance from the files in postfix/, for tests and for "make run". Nothing outside of DIR is
# touched, and nothing is started: run "postfix -c DIR/etc start" and "postfix -c DIR/etc stop".
#
#   postfix.sh DIR SMTP_PORT RELAY_PORT FRAGMENT...
#
# FRAGMENT is the name of a file in postfix/; its parts that name places of an installed system are set to DIR:
# port 8027 to $TCP_TABLE_PORT, port 10026 to $FILTER_PORT, /var/lib/suppressd to DIR/db, /usr/bin/suppressd to $SUPPRESSD
# with the configuration DIR/suppressd.toml, and its user suppressd to nobody. Mail for anybody@local.example goes to the
# mailbox DIR/mail/inbox, all other mail to the relay at 127.0.0.1:RELAY_PORT.
set -eu

[ $# -ge 3 ] || { echo "usage: postfix.sh DIR SMTP_PORT RELAY_PORT FRAGMENT..." >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "postfix.sh: a private Postfix needs root; run this with sudo" >&2; exit 1; }
dist=/usr/share/postfix/master.cf.dist
[ -f "$dist" ] || { echo "postfix.sh: Postfix is not installed; run packaging/install-build-deps" >&2; exit 1; }
dir=$1 smtp_port=$2 relay_port=$3
shift 3
fragments=$(cd "$(dirname "$0")/../../postfix" && pwd)

# A fragment with the places of this instance.
place() {
  sed -e "s|127\.0\.0\.1:8027|127.0.0.1:${TCP_TABLE_PORT:-8027}|" \
      -e "s|127\.0\.0\.1\(]\{0,1\}\):10026|127.0.0.1\1:${FILTER_PORT:-10026}|" \
      -e "s|user=suppressd|user=nobody|" \
      -e "s|:/var/lib/suppressd/|:$dir/db/|" \
      -e "s|/usr/bin/suppressd |${SUPPRESSD:-/usr/bin/suppressd} --config $dir/suppressd.toml |" "$fragments/$1"
}

mkdir -p "$dir/etc" "$dir/spool/suppressd" "$dir/data" "$dir/mail"
chmod 755 "$dir" "$dir/spool"
chown postfix "$dir/data"
chown nobody "$dir/mail"

cat > "$dir/etc/main.cf" <<MAIN
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
maillog_file = $dir/maillog
maillog_file_prefixes = $dir
myhostname = mx.local.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtputf8_enable = yes
alias_maps =
alias_database =
relayhost = [127.0.0.1]:$relay_port
virtual_mailbox_domains = local.example
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:inbox
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
MAIN
# Debian's own master.cf, with its chroots; the SMTP port is ours.
sed "s/^smtp  *inet/127.0.0.1:$smtp_port inet/" "$dist" > "$dir/etc/master.cf"

for fragment; do
  case $fragment in
    *.master.cf)
      place "$fragment" > "$dir/etc/fragment"
      # An entry of the fragment replaces the one that is there.
      awk 'NR == FNR { if ($0 ~ /^[^# \t]/) new[$1 " " $2]; next }
           /^[^# \t]/ { skip = ($1 " " $2) in new }
           !skip || /^#/' "$dir/etc/fragment" "$dir/etc/master.cf" > "$dir/etc/master.new"
      cat "$dir/etc/master.new" "$dir/etc/fragment" > "$dir/etc/master.cf"
      rm "$dir/etc/master.new" "$dir/etc/fragment" ;;
    *) place "$fragment" >> "$dir/etc/main.cf" ;;
  esac
done
