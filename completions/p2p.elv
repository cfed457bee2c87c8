# Completion of p2p for Elvish: p2p itself says what may come next.
use str
set edit:completion:arg-completer[p2p] = {|@words|
    try {
        (external p2p) completions elvish -- $@words </dev/null 2>/dev/null | each {|line|
            if (eq $line "\tfiles") {
                edit:complete-filename $@words
            } else {
                var value about = (str:split &max=2 "\t" $line"\t")
                var about = (str:trim-right $about "\t")
                if (eq $about '') {
                    edit:complex-candidate $value
                } else {
                    edit:complex-candidate $value &display=$value' ('$about')'
                }
            }
        }
    } catch {
        nop
    }
}
