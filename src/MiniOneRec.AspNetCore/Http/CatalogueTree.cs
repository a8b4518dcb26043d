using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore;

/// <summary><c>GET /v1/catalog/tree</c>: what lies below a prefix of codes.</summary>
internal static class CatalogueTree
{
    private const int MostItems = 1_000;

    /// <summary>Answers with the next codes below the prefix, or with the items that have exactly these codes.</summary>
    /// <exception cref="ServingProblem">422 for a prefix that is none, 404 for one that no item has.</exception>
    public static TreeAnswer Below(string? prefixText, ServedModel model, LiveCatalogue live)
    {
        var prefix = string.IsNullOrEmpty(prefixText) ? null : SemanticId.TryParse(prefixText, out var parsed) ? parsed
            : throw ServingProblem.Invalid("prefix is not of the form <a_1><b_2>.");
        int depth = prefix?.Depth ?? 0;
        var index = model.Recommender.Index;
        var children = new SortedDictionary<int, (int Count, int First)>();
        var items = new List<string>();
        for (int row = 0; row < index.Count; row++)
        {
            var id = index.SemanticIds[row];
            if (id.Depth < depth || !id.Codes[..depth].SequenceEqual(prefix is null ? [] : prefix.Codes))
            {
                continue;
            }

            if (id.Depth == depth)
            {
                items.Add(index.Items[row]);
            }
            else
            {
                var (count, first) = children.GetValueOrDefault(id[depth], (0, row));
                children[id[depth]] = (count + 1, first);
            }
        }

        if (children.Count + items.Count == 0 && depth > 0)
        {
            throw ServingProblem.NotFound("No item has these codes.");
        }

        return new TreeAnswer(
            prefix?.ToString() ?? "", model.Name, live.RevisionOf(model),
            [.. children.Values.Select(child => new TreeBranch(
                LastCode(index.SemanticIds[child.First], depth), child.Count, TitleOf(index.Items[child.First], live)))],
            [.. items.Take(MostItems).Select(item => new TreeItem(item, TitleOf(item, live)))]);
    }

    /// <summary>Answers a request on the active model.</summary>
    public static IResult Answer(HttpContext context)
    {
        var registry = context.RequestServices.GetRequiredService<ModelRegistry>();
        using var lease = registry.Choose(registry.Set.Active, "");
        return Results.Json(
            Below(context.Request.Query["prefix"], lease.Model, context.RequestServices.GetRequiredService<LiveCatalogue>()),
            ServingJsonContext.Default.TreeAnswer);
    }

    private static string LastCode(SemanticId id, int level)
    {
        string text = id.ToString();
        for (int i = 0; i < level; i++)
        {
            text = text[(text.IndexOf('>', StringComparison.Ordinal) + 1)..];
        }

        return text[..(text.IndexOf('>', StringComparison.Ordinal) + 1)];
    }

    private static string TitleOf(string id, LiveCatalogue live) => live.Items.Find(id) is { Title.Length: > 0 } item ? item.Title : id;
}

/// <summary>Answer of <c>GET /v1/catalog/tree</c>.</summary>
/// <param name="Prefix">The codes above.</param>
/// <param name="Model">The model.</param>
/// <param name="CatalogRevision">The revision of the catalogue.</param>
/// <param name="Children">The next codes.</param>
/// <param name="Items">The items that have exactly the codes above, at most 1,000.</param>
internal sealed record TreeAnswer(
    string Prefix, string Model, string CatalogRevision, IReadOnlyList<TreeBranch> Children, IReadOnlyList<TreeItem> Items);

/// <summary>A code below a prefix.</summary>
/// <param name="Code">Its token.</param>
/// <param name="Items">How many items lie below.</param>
/// <param name="Example">The title of one of them.</param>
internal sealed record TreeBranch(string Code, int Items, string Example);

/// <summary>An item of a leaf.</summary>
/// <param name="Id">The item.</param>
/// <param name="Title">The title, or the id where none is known.</param>
internal sealed record TreeItem(string Id, string Title);
