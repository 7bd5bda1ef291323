-- purpose: a text exposition as DuckDB reads it: metric, labels, value. Types and escapes are left out, in its favour.
-- reads: the file $path
-- grain: one sample
-- params: path
with lines as (
    select
        line,
        strpos(line, '{') as opening,
        length(line) - strpos(reverse(line), ' ') + 1 as blank
    from read_csv(
        $path,
        columns = {'line': 'varchar'},
        delim = chr(1),
        quote = '',
        escape = '',
        header = false,
        auto_detect = false
    )
    where line not like '#%'
),

cut as (
    select
        left(line, case when opening > 0 then opening else blank end - 1) as metric,
        case
            when opening > 0 and blank - opening > 3 then string_split(line[opening + 1:blank - 3], '",')
            else []
        end as labels,
        line[blank + 1:] as value
    from lines
)

select
    metric,
    map(
        list_transform(labels, lambda label: split_part(label, '="', 1)),
        list_transform(labels, lambda label: split_part(label, '="', 2))
    ) as labels,
    value::double as value
from cut
