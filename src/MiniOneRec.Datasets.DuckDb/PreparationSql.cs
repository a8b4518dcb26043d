using System.Text;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>One step of a preparation as SQL.</summary>
/// <param name="Step">The step, for example <c>k-core</c>.</param>
/// <param name="Text">One statement, without a semicolon.</param>
public sealed record PreparationStatement(string Step, string Text);

/// <summary>The steps of a preparation as SQL, for a look or for another engine.</summary>
/// <param name="Statements">The statements, in the order in which they run.</param>
/// <remarks>
/// The first statement reads files and is DuckDB's; the others keep to standard SQL with window functions. The last two tables,
/// <c>sequences</c> and <c>items</c>, are the data set.
/// </remarks>
public sealed record PreparationSql(IReadOnlyList<PreparationStatement> Statements)
{
    /// <summary>Returns the statements as one script with a comment above each step.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        string? step = null;
        foreach (var statement in Statements)
        {
            if (statement.Step != step)
            {
                text.Append(step is null ? "" : "\n").Append("-- ").Append(statement.Step).Append('\n');
                step = statement.Step;
            }

            text.Append(statement.Text).Append(";\n");
        }

        return text.ToString();
    }
}
