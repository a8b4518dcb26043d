namespace MiniOneRec.Alignment;

/// <summary>The items of the index that have a title.</summary>
internal static class TitledItems
{
    public static IEnumerable<(string Item, SemanticId Id, string Title)> Of(TaskContext context)
    {
        var index = context.Data.Index;
        for (int row = 0; row < index.Count; row++)
        {
            if (context.Data.TitleOf(index.Items[row]) is { } title)
            {
                yield return (index.Items[row], index.SemanticIds[row], title);
            }
            else
            {
                context.Skip("no title");
            }
        }
    }
}
