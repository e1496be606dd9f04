# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_suppressd_global_optspecs
    string join \n c/config= h/help V/version
end

function __fish_suppressd_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_suppressd_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_suppressd_using_subcommand
    set -l cmd (__fish_suppressd_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c suppressd -n "__fish_suppressd_needs_command" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_needs_command" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_needs_command" -s V -l version -d 'Print version'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "serve" -d 'Run the daemon in the foreground'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "pipe" -d 'Take one bounce mail from pipe(8) on the standard input'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "why" -d 'Tell whether an address is suppressed, since when, on what evidence, and how to undo it'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "events" -d 'Show what was reported and changed, the newest last'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "stats" -d 'Show what came in, what was refused, and how your sender domains stand with SES'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "list" -d 'Show the suppression list'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "add" -d 'Put addresses or whole domains on the list'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "remove" -d 'Take addresses or domains off the list'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "allow" -d 'Let mail pass for a time, whatever the list says'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "incidents" -d 'Show bursts of one diagnostic and settle what they hold back'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "policy" -d 'Show what other rules would do'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "forget" -d 'Delete everything about an address, and keep it blocked if it was'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "recover" -d 'Make a new database of what can be read of a damaged one'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "import" -d 'Put the list of another tool, or a file of addresses, on the list'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "export" -d 'Print the list, or write it into a file'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "topics" -d 'Show and decide which SNS topics are yours'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "quarantine" -d 'Show what could not be understood or trusted'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "inspect" -d 'Show what would be made of a mail or payload, recording nothing'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "config" -d 'Show or check the configuration'
complete -c suppressd -n "__fish_suppressd_using_subcommand serve" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand serve" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -l sender -d '${sender}: the envelope sender, empty for a bounce' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -l recipient -d '${recipient}: the bounce address' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -l original-recipient -d '${original_recipient}: the bounce address before aliases' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -l queue-id -d '${queue_id}: for the log' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -l client-address -d '${client_address}: who handed the mail in' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand pipe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand why" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand why" -l json -d 'One JSON object'
complete -c suppressd -n "__fish_suppressd_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l address -d 'Only of this recipient, or @domain for a domain\'s own entry' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l domain -d 'Only of recipients in this domain, subdomains not included' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l kind -d 'Only of this kind, as hard_bounce' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l reason -d 'Only for this reason, as userunknown' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l source -d 'Only from this source, as ses' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l action -d 'Only with this effect: suppressed, held, recorded, added or removed' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l stream -d 'Only of this stream of mail' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l since -d 'Only what happened since then: a date, a time, or how long ago, as 12h' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l limit -d 'So many of the newest' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -s f -l follow -d 'Go on with new ones as they are recorded'
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -l json -d 'One JSON object a line, with everything that is known of the event'
complete -c suppressd -n "__fish_suppressd_using_subcommand events" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand stats" -l days -d 'So many days, today included' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand stats" -l top -d 'So many receiving and sender domains' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand stats" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand stats" -l json -d 'One JSON object'
complete -c suppressd -n "__fish_suppressd_using_subcommand stats" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l kind -d 'Only entries of this kind' -r -f -a "hard_bounce\t'The address is dead, or was said to be'
soft_bounce\t'Too many temporary failures'
complaint\t'The recipient complained'
unsubscribe\t'The recipient wants no more of this mail'
added\t'Put there by hand'"
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l reason -d 'Only entries with this reason, as userunknown' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l stream -d 'Only entries of this stream; those for all mail refuse it as well and are not shown' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l since -d 'Only entries that came on the list since then: a date, a time, or how long ago, as 7d' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l domain -d 'Only entries of this domain' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l expired -d 'Entries that have run out too'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l json -d 'One JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l csv -d 'CSV (RFC 4180) with a header line'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -l for -d 'Release by itself after this time, as 30d' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -l stream -d 'Refuse this stream of mail only; else all mail' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l stream -d 'Only entries of this stream; those for all mail refuse it as well and are not removed' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l domain -d 'Remove all entries of this domain' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l reason -d 'Remove all entries with this reason, as userunknown' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l kind -d 'Remove all entries of this kind' -r -f -a "hard_bounce\t'The address is dead, or was said to be'
soft_bounce\t'Too many temporary failures'
complaint\t'The recipient complained'
unsubscribe\t'The recipient wants no more of this mail'
added\t'Put there by hand'"
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l since -d 'Remove all entries that came on the list since then: a date, a time, or how long ago, as 2h' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l yes -d 'Do it. Without this, the entries that the options above select are only counted and some of them shown'
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand allow" -l for -d 'For how long, as 30d' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand allow" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand allow" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand allow" -l end -d 'End it now'
complete -c suppressd -n "__fish_suppressd_using_subcommand allow" -l json -d 'Show what is allowed as one JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand allow" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -l all -d 'Settled ones too'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -l json -d 'One JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -f -a "show" -d 'Show the recipients of an incident'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -f -a "confirm" -d 'The addresses are dead: suppress them all'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and not __fish_seen_subcommand_from show confirm release" -f -a "release" -d 'The receiving system erred: nothing of it counts'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from show" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from confirm" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from confirm" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from confirm" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from release" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from release" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand incidents; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and not __fish_seen_subcommand_from try" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and not __fish_seen_subcommand_from try" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and not __fish_seen_subcommand_from try" -f -a "try" -d 'Show who would be added and who released under the rules of another configuration'
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and __fish_seen_subcommand_from try" -l sample -d 'So many of each are shown' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and __fish_seen_subcommand_from try" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and __fish_seen_subcommand_from try" -l json -d 'Every difference as one JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand policy; and __fish_seen_subcommand_from try" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand forget" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand forget" -l block -d 'Refuse all mail to it from now on, even if it is not suppressed'
complete -c suppressd -n "__fish_suppressd_using_subcommand forget" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand recover" -l to -d 'Write the new database there, and leave the damaged one in its place' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand recover" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand recover" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l format -d 'What the file is, where that can\'t be told from its content' -r -f -a "suppressd\t'suppressd export or list, JSON or CSV'
ses\t'Amazon SES, list-suppressed-destinations as JSON, JSON lines or CSV'
sendgrid-bounces\t'SendGrid bounces, JSON or CSV'
sendgrid-blocks\t'SendGrid blocks, JSON or CSV; soft bounces, all of them'
sendgrid-invalid\t'SendGrid invalid emails, JSON or CSV'
sendgrid-spam\t'SendGrid spam reports, JSON or CSV'
sendgrid-unsubscribes\t'SendGrid global unsubscribes, JSON or CSV'
mailgun-bounces\t'Mailgun bounces, JSON or CSV'
mailgun-complaints\t'Mailgun complaints, JSON or CSV'
mailgun-unsubscribes\t'Mailgun unsubscribes, JSON or CSV'
postmark\t'Postmark suppressions, JSON or CSV'
listmonk-bounces\t'listmonk bounces, JSON of /api/bounces'
listmonk-subscribers\t'listmonk subscribers, CSV; those that are blocklisted or unsubscribed'
mautic\t'Mautic do-not-contact, CSV: email, reason, channel, comments, date_added'
postal\t'Postal suppressions, CSV or JSON: type, address, reason, timestamp, keep_until'
access\t'a Postfix access(5) table, as text'
plain\t'addresses or domains, one a line'"
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l note -d 'Why, for those who ask later; for entries without a note of their own' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l for -d 'Release by itself after this time, as 30d; for entries without an end of their own' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l stream -d 'Only for this stream of mail' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l apply -d 'Put it on the list; without this, what would change is shown and nothing is written'
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l soft -d 'Soft bounces too'
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l released-too -d 'Entries too that an operator released after they came on the file\'s list'
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -l skip-errors -d 'Leave lines out that can\'t be understood, and apply the others'
complete -c suppressd -n "__fish_suppressd_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -l format -d 'The form; else what the file\'s name stands for: csv, json, cdb or lmdb' -r -f -a "csv\t'CSV (RFC 4180) with a heading'
json\t'One JSON object a line'
access\t'Text of a Postfix access(5) table'
transport\t'Text of a Postfix transport(5) table'
cdb\t'A constant database for Postfix'
lmdb\t'An LMDB database for Postfix'"
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -l map -d 'What a cdb or lmdb file is for' -r -f -a "access\t'For check_recipient_access'
transport\t'For transport_maps'"
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -s o -l output -d 'Write this file instead of the standard output, and replace it as a whole' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -l kind -d 'Only entries of this kind' -r -f -a "hard_bounce\t'The address is dead, or was said to be'
soft_bounce\t'Too many temporary failures'
complaint\t'The recipient complained'
unsubscribe\t'The recipient wants no more of this mail'
added\t'Put there by hand'"
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -l stream -d 'Only entries of this stream; for a table, those of all mail too' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and not __fish_seen_subcommand_from allow deny" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and not __fish_seen_subcommand_from allow deny" -l json -d 'One JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and not __fish_seen_subcommand_from allow deny" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and not __fish_seen_subcommand_from allow deny" -f -a "allow" -d 'Let a topic\'s messages count, and confirm its pending subscription'
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and not __fish_seen_subcommand_from allow deny" -f -a "deny" -d 'Refuse a topic\'s messages, even if the configuration names it'
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and __fish_seen_subcommand_from allow" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and __fish_seen_subcommand_from allow" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and __fish_seen_subcommand_from deny" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand topics; and __fish_seen_subcommand_from deny" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and not __fish_seen_subcommand_from show replay drop" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and not __fish_seen_subcommand_from show replay drop" -l json -d 'One JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and not __fish_seen_subcommand_from show replay drop" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and not __fish_seen_subcommand_from show replay drop" -f -a "show" -d 'Print one entry as it came in'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and not __fish_seen_subcommand_from show replay drop" -f -a "replay" -d 'Read entries again, and record what counts now'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and not __fish_seen_subcommand_from show replay drop" -f -a "drop" -d 'Throw one entry away'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -l all -d 'Every entry, the oldest first'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -l trust -d 'Count this one entry as genuine, although nothing proves it'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from drop" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand quarantine; and __fish_seen_subcommand_from drop" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand inspect" -l recipient -d 'The bounce address that the mail came to' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand inspect" -l client-address -d 'The client that handed the mail in, as Postfix says it' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand inspect" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand inspect" -l json -d 'One JSON object a line and recipient'
complete -c suppressd -n "__fish_suppressd_using_subcommand inspect" -l dns -d 'Ask the DNS for the keys of DKIM signatures'
complete -c suppressd -n "__fish_suppressd_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and not __fish_seen_subcommand_from show check default" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and not __fish_seen_subcommand_from show check default" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and not __fish_seen_subcommand_from show check default" -f -a "show" -d 'Show the value of every setting, marked where it is the default'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and not __fish_seen_subcommand_from show check default" -f -a "check" -d 'Report everything that is wrong with the file and those it names'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and not __fish_seen_subcommand_from show check default" -f -a "default" -d 'Print a sample file with every setting, its meaning and its default'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and __fish_seen_subcommand_from show" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and __fish_seen_subcommand_from check" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and __fish_seen_subcommand_from default" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand config; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help'
