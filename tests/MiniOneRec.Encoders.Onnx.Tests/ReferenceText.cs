using System.Net;
using System.Text.RegularExpressions;

namespace MiniOneRec.Encoders.Onnx.Tests;

/// <summary>The text of an item that the reference vectors were made of: title and description without markup, a space between
/// them.</summary>
internal static partial class ReferenceText
{
    public static string Of(Item item) =>
        string.Join(' ', new[] { Clean(item.Title), Clean(item.Description ?? "") }.Where(part => part.Length > 0));

    private static string Clean(string text) => WhiteSpace().Replace(Markup().Replace(WebUtility.HtmlDecode(text), " "), " ").Trim();

    [GeneratedRegex("<[^>]+>")]
    private static partial Regex Markup();

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
