# Mutants that nobody has written: small changes of the code of core/ and ext/, found in its text.
#
#   compare   < and <=, > and >=, == and != change places
#   logic     && and || change places
#   negate    the condition of an if or while that is neither is turned round
#   one       + 1 or - 1 is left out; a loop from 0 begins with 1
#   drop      a statement is left out: a call whose value nobody wants, rc = f() behind if (!rc), an assignment, if (rc) return rc
#   return    a block of an if or a loop returns at once: nothing, false, NULL or 0, which is ART_OK
#
# Left out are assertions, what frees memory or lets go of it (the sanitizers' builds see a leak), the smaller of two, sizes that are
# asked for, and code outside of functions.
# That takes the format of `make format` for granted: an operator has blanks around it, a function's head and its last brace
# begin a line. Of a syntax tree (clang -ast-dump=json: 15 MB a file) nothing more was needed.
#
# One is called file:line:kind, and file:line:kind2 where a line has two. Its key, file, function and both texts, stays the same
# where lines move. A sample is taken in the order of hashes of seed and key: so the same seed chooses the same mutants as long as
# their lines stay as they are, and a larger sample has all of a smaller one.
package Generated;
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use File::Basename;

my $round = qr/(\((?:[^()]++|(?-1))*+\))/;

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or return undef;
    local $/;
    return scalar <$in>;
}

# The text with blanks in place of what is no code to change; every character stays where it was.
sub code_of {
    my ($text) = @_;
    my $blank = sub { (my $s = shift) =~ s/[^\n]/ /g; $s };
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}{$1 ? $blank->($1) : '0' x length $2}gse;
    $text =~ s{^(#(?:\\\n|[^\n])*)}{$blank->($1)}gme;
    $text =~ s{(\b(?:_Static_)?assert\s*$round;)}{$blank->($1)}ge;
    return $text;
}

# Functions by their heads: [name, type of its value, from, to].
sub functions_of {
    my ($code) = @_;
    my @found;
    while ($code =~ /^([a-zA-Z_][\w \t*\n]*?[\s*])(\w+)$round\s*(\{.*?^\})/msg) {
        push @found, [$2, $1, $-[4], $+[4]] if $2 !~ /assert|invariant/;
    }
    return @found;
}

# The smaller or larger of two: where they are equal, it makes no difference which.
my $operand = qr{[\w.>-]+};
my %other = ('<' => '<=', '<=' => '<', '>' => '>=', '>=' => '>', '==' => '!=', '!=' => '==', '&&' => '||', '||' => '&&');

sub line_at {
    my ($text, $at) = @_;
    my $begin = 1 + rindex $text, "\n", $at - 1;
    return substr $text, $begin, index($text, "\n", $at) - $begin;
}

# Calls that free something or let go of it. (One argument alone: art_savepoints_clear(tree, 0) does more.)
my $lets_go = qr{^(?:\(void\))?\w*(?:free|close|mutex|assert|finalize|release|unref|unpin|_clear(?=\([^,]*\)$))\w*\(};

# Places of one function: [kind, offset, length, text in its place].
sub places_in {
    my ($code, $type, $from, $to) = @_;
    my @places;
    my $part = substr $code, $from, $to - $from;
    my $add = sub { my ($kind, $at, $end, $new) = @_; push @places, [$kind, $from + $at, $end - $at, $new] };
    while ($part =~ /(?<=\s)([<>]=?|[!=]=)(?=\s)/g) {
        my ($sign, $at, $end) = ($1, $-[1], $+[1]);
        $add->('compare', $at, $end, $other{$sign}) if line_at($part, $at) !~ /($operand) [<>] ($operand)(?:\) \1 = \2;| \? (?:\1 : \2|\2 : \1)\b)/;
    }
    while ($part =~ /(?<=\s)(&&|\|\|)(?=\s)/g) {
        my ($sign, $at, $end) = ($1, $-[1], $+[1]);
        $add->('logic', $at, $end, $other{$sign}) if substr($part, 0, $at) !~ /(?:\bfor \([^;]*; |\bwhile \()!rc $/; # without end
    }
    while ($part =~ /\b(?:if|while) $round/g) {
        my ($condition, $at, $end) = ($1, $-[1], $+[1]);
        $add->('negate', $at, $end, '(!' . $condition . ')') if $condition !~ / (?:[<>]=?|[!=]=|&&|\|\||=)\s|^\(!?rc\)$/;
    }
    while ($part =~ /( [-+] 1)\b(?![.'])/g) { $add->('one', $-[1], $+[1], '') if line_at($part, $-[1]) !~ /alloc|resize|sizeof/ }
    while ($part =~ /\bfor \([^;=()]* = (0);/g) { $add->('one', $-[1], $+[1], '1') }
    while ($part =~ /(?:[;{}]|\belse|\bif \(!rc\))\s+((?:\(void\)|rc = )?\b\w[\w.>-]*$round)(?=;)/g) {
        my ($call, $at, $end) = ($1, $-[1], $+[1]);
        next if $call =~ /^(?:if|for|while|switch|return|sizeof)\b/ || $call =~ $lets_go;
        next if $call =~ /^rc =/ && line_at($part, $at) !~ /if \(!rc\) rc =/;
        $add->('drop', $at, $end, '');
    }
    while ($part =~ /(?:[;{}]|\belse|\))\s+(?!rc = )(\*?\w[\w.>\[\]-]* (?:[-+|&^]|<<|>>)?= [^;{}]*|\*?[\w.>-]+(?:\[[^\]]*\])?(?:\+\+|--))(?=;)/g) {
        $add->('drop', $-[1], $+[1], '');
    }
    while ($part =~ /(if \(rc\) return rc);/g) { $add->('drop', $-[1], $+[1], '') }
    my $value = $type =~ /\*\s*$/ ? ' NULL' : $type =~ /\bvoid\b/ ? '' : $type =~ /\bbool\b/ ? ' false' : ' 0';
    if ($type !~ /\*\s*$/ && $type =~ /\bstruct\b/) { $value = undef }
    while (defined $value && $part =~ /\) \{\n\s*+(?!return\b|break\b|continue\b|goto\b|[a-z]+ [^=]*\breturn\b)()/g) {
        my $at = $-[1];
        $add->('return', $at, $at, "return$value; ") if substr($part, $at, 200) !~ $lets_go;
    }
    return sort { $a->[1] <=> $b->[1] || $a->[0] cmp $b->[0] } @places;
}

sub squeeze { my ($s) = @_; $s =~ s/\s+/ /g; $s =~ s/^ | $//g; return $s }

# All mutants of a file of the tree, with what `apply` wants to know of one.
sub in_file {
    my ($tree, $file) = @_;
    my $text = slurp("$tree/$file") // return;
    my $code = code_of($text);
    my (@all, %in_line, %with_key);
    for my $function (functions_of($code)) {
        my ($name, $type, $from, $to) = @$function;
        for my $place (places_in($code, $type, $from, $to)) {
            my ($kind, $at, $length, $new) = @$place;
            my $line = 1 + (substr($text, 0, $at) =~ tr/\n//);
            my $begin = 1 + rindex $text, "\n", $at - 1;
            my $end = index $text, "\n", $at + $length;
            my $was = substr $text, $begin, $end - $begin;
            my $is = $was;
            $new =~ s/^\(!.*/"(!" . substr($text, $at, $length) . ")"/se; # the text itself, with its literals
            substr($is, $at - $begin, $length) = $new;
            my $n = ++$in_line{"$line:$kind"};
            my $key = "$file $name: " . squeeze($was) . ' -> ' . squeeze($is);
            push @all, {name => "$file:$line:$kind" . ($n > 1 ? $n : ''), file => $file, at => $at, length => $length, new => $new,
                        key => $key, hash => $key . ('+' x $with_key{$key}++), says => "in $name(): " . squeeze($was) . ' -> ' . squeeze($is)};
        }
    }
    return @all;
}

# Those of a file, of a folder and what is below it, or the one of this name.
sub named {
    my ($tree, $name) = @_;
    return grep { $_->{name} eq $name } in_file($tree, $1) if $name =~ /^(.*?):/;
    return in_file($tree, $name) if -f "$tree/$name";
    return map { in_file($tree, substr $_, 1 + length $tree) } sort split /\n/, qx(find '$tree/$name' -name '*.c' -o -name '*.h');
}

# The first `count` in the order that the seed makes, without those that a person has read (read.txt).
sub sample {
    my ($tree, $seed, $count, $read) = @_;
    my @all = grep { !$read->{$_->{key}} && $_->{file} !~ m{^core/portable/} } map { named($tree, $_) } qw(core ext);
    my %order = map { $_->{hash} => md5_hex("$seed $_->{hash}") } @all;
    @all = sort { $order{$a->{hash}} cmp $order{$b->{hash}} } @all;
    return @all[0 .. ($count < @all ? $count : @all) - 1];
}

1;
