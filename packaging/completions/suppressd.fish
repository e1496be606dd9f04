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
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "list" -d 'Show the suppression list'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "add" -d 'Put addresses or whole domains on the list'
complete -c suppressd -n "__fish_suppressd_needs_command" -f -a "remove" -d 'Take addresses or domains off the list'
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
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l kind -d 'Only entries of this kind' -r -f -a "hard_bounce\t'The address is dead, or was said to be'
soft_bounce\t'Too many temporary failures'
complaint\t'The recipient complained'
unsubscribe\t'The recipient wants no more of this mail'
added\t'Put there by hand'"
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l domain -d 'Only entries of this domain' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l expired -d 'Entries that have run out too'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l json -d 'One JSON object a line'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -l csv -d 'CSV (RFC 4180) with a header line'
complete -c suppressd -n "__fish_suppressd_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -l for -d 'Release by itself after this time, as 30d' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -l note -d 'Why, for those who ask later' -r
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -s c -l config -d 'The configuration file' -r -F
complete -c suppressd -n "__fish_suppressd_using_subcommand remove" -s h -l help -d 'Print help'
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
