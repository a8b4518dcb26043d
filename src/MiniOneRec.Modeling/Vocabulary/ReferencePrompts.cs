namespace MiniOneRec.Modeling;

/// <summary>The wordings of the reference system, byte for byte, by plain names; the paper's letters stand in the remarks.</summary>
/// <remarks>
/// Trained checkpoints depend on these bytes, misspellings included. With an instruction they are the prompts of supervised training and
/// evaluation; <see cref="WithoutInstruction"/> makes those of reinforcement. No prompt contains its answer.
/// </remarks>
public static class ReferencePrompts
{
    /// <summary>The number of wordings of <see cref="TitlesToTitle"/>.</summary>
    public const int TitlesToTitleVariants = 11;

    private const string Ask = "Can you predict the next possible item that the user may expect?";

    /// <summary>History of semantic IDs to the next one, as trained on (T1; R1 without instruction).</summary>
    /// <param name="history">Oldest first.</param>
    public static Prompt NextSid(IReadOnlyList<SemanticId> history) => new(Prompt.NextSid)
    {
        Instruction = Ask,
        Input = $"The user has interacted with items {Join(history)} in chronological order. {Ask}",
        SemanticIds = history,
    };

    /// <summary>History of semantic IDs to the next one, as the reference evaluates (E1); it differs from what training saw.</summary>
    /// <param name="history">Oldest first.</param>
    public static Prompt NextSidForEvaluation(IReadOnlyList<SemanticId> history) => new(Prompt.NextSid)
    {
        Instruction = Ask,
        Input =
            "Can you predict the next possible item the user may expect, "
            + $"given the following chronological interaction history: {Join(history)}",
        SemanticIds = history,
    };

    /// <summary>Title to semantic ID (T2a; R2a without instruction).</summary>
    /// <param name="title">The title.</param>
    public static Prompt TitleToSid(string title) => new("title-to-sid")
    {
        Instruction = "Answer the question about item identification.",
        Input = $"Which item has the title: {title}?",
        Texts = [title],
    };

    /// <summary>Semantic ID to title (T2b; R4 without instruction).</summary>
    /// <param name="semanticId">The semantic ID.</param>
    public static Prompt SidToTitle(SemanticId semanticId) => new("sid-to-title")
    {
        Instruction = "Answer the question about item identification.",
        Input = $"What is the title of item \"{semanticId}\"?",
        SemanticIds = [semanticId],
    };

    /// <summary>History of semantic IDs to the next title (T3).</summary>
    /// <param name="history">Oldest first.</param>
    public static Prompt NextTitle(IReadOnlyList<SemanticId> history) => new("next-title")
    {
        Instruction = "Can you recommend the next item for the user based on their interaction history?",
        Input =
            $"The user has sequentially interacted with items {Join(history)}. Can you recommend the next item for "
            + "him? Tell me the title of the item",
        SemanticIds = history,
    };

    /// <summary>History of titles to the next title (T4), in one of eleven wordings.</summary>
    /// <param name="titles">Oldest first.</param>
    /// <param name="category">What the items are, in the plural, for example <c>office products</c>.</param>
    /// <param name="variant">The wording, 0 to 10.</param>
    public static Prompt TitlesToTitle(IReadOnlyList<string> titles, string category, int variant)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)variant, (uint)TitlesToTitleVariants, nameof(variant));
        string c = category;
        string instruction = variant switch
        {
            0 => $"Given a list of {c} the user recetenly enjoy, please write a new {c} that the user may bought",
            1 =>
                $"Considering the {c} that has recently captured the user's interest, "
                + $"kindly create a compilation of other {c} that the user might have played prior to this.",
            2 =>
                $"Based on the user's current gaming preference, please draft a list of potential {c} they "
                + "may have experienced beforehand.",
            3 =>
                $"Reflecting on the {c} the user has taken pleasure in recently, we request that you formulate a list of {c} that may have "
                + "preceded the user's current enjoyment.",
            4 =>
                $"In light of the recent gaming enjoyment expressed by the user, please assemble a list of {c} that could potentially "
                + "include past titles the user has engaged with.",
            5 =>
                $"Taking into account the {c} that has lately provided enjoyment to the user, "
                + $"please put together an inventory of {c} the user might have explored previously.",
            6 =>
                $"Given the user's newfound enjoyment of a particular {c}, would you kindly generate a roster of other {c} that might "
                + "resonate with their past gaming experiences?",
            7 =>
                $"In response to the user's recent fondness for a specific {c}, we seek your assistance in listing possible {c} the user "
                + "may have delighted in earlier.",
            8 =>
                $"With respect to the {c} currently enjoyed by the user, please compile a suggestive list of {c} "
                + "they may have played in the past.",
            9 =>
                $"Bearing in mind the {c} that the user has recently been enthralled by, "
                + $"please construct a catalog of other {c} that the user potentially partook in beforehand.",
            _ =>
                $"In relation to the user's recent entertainment with a given {c}, it would be appreciated if you could curate a list of "
                + $"{c} that might form part of the user's previous gaming history.",
        };
        return new Prompt("titles-to-title")
        {
            Instruction = instruction + "\n \n",
            Input = $"The user has palyed the following {c}s before: {string.Join(",\t", titles.Select(Quote))}",
            Texts = titles,
        };
    }

    /// <summary>History of titles to the next semantic ID (T5).</summary>
    /// <param name="titles">Oldest first.</param>
    /// <param name="category">What the items are, in the plural, for example <c>office products</c>.</param>
    public static Prompt TitlesToSid(IReadOnlyList<string> titles, string category) => new("titles-to-sid")
    {
        Instruction =
            "Based on the user's historical interaction with item titles, predict the semantic ID of the next item they may expect.",
        Input =
            $"The user has interacted with the following {category} items in chronological order: "
            + $"{string.Join(", ", titles.Select(Quote))}. Can you predict the next item the user may expect?",
        Texts = titles,
    };

    /// <summary>History of semantic IDs to preferences and the next semantic ID (T6).</summary>
    /// <param name="history">Oldest first, each as it is to be written.</param>
    public static Prompt PreferenceAndSid(IReadOnlyList<string> history) => new("preference-and-sid")
    {
        Instruction =
            "Analyze the user's interaction history, provide insights about their preferences, and predict the next item's semantic ID.",
        Input =
            $"The user has interacted with items {string.Join(", ", history)} in chronological order. "
            + "Can you analyze the user's preferences and predict the next item?",
        SemanticIds = Parse(history),
    };

    /// <summary>History of semantic IDs and preferences to the next semantic ID (T7).</summary>
    /// <param name="history">Oldest first, each as it is to be written.</param>
    /// <param name="preference">What is known of the user's preferences; may be empty.</param>
    public static Prompt PreferenceToSid(IReadOnlyList<string> history, string preference) => new("preference-to-sid")
    {
        Instruction = "Based on the user interaction history and preference analysis, predict the next item's semantic ID.",
        Input =
            $"The user has interacted with items {string.Join(", ", history)} in chronological order. "
            + $"Can you analyze the user's preferences?\n### Reasoning:\n{preference}\n{Ask}",
        SemanticIds = Parse(history),
        Texts = [preference],
    };

    /// <summary>Description to semantic ID (R2b).</summary>
    /// <param name="description">The description.</param>
    public static Prompt DescriptionToSid(string description) => new("description-to-sid")
    {
        Input = $"An item can be described as follows: \"{description}\". Which item is it describing?",
        Texts = [description],
    };

    /// <summary>History of titles to the next semantic ID, as reinforcement asks (R3).</summary>
    /// <param name="titles">Oldest first.</param>
    public static Prompt TitleSequenceToSid(IReadOnlyList<string> titles) => new("title-sequence-to-sid")
    {
        Input =
            $"Given the title sequence of user historical interactive items: {string.Join(", ", titles.Select(Quote))}, "
            + "can you recommend a suitable next item for the user?",
        Texts = titles,
    };

    /// <summary>History of semantic IDs to the next title, as reinforcement asks (R5).</summary>
    /// <param name="history">Oldest first.</param>
    public static Prompt NextTitleAnalyzed(IReadOnlyList<SemanticId> history) => new("next-title-analyzed")
    {
        Input =
            $"The user has interacted with items {Join(history)} in chronological order. "
            + "Can you predict the title of the next item that the user may expect? Analyze user preferences and then "
            + "predict the title of the next item.",
        SemanticIds = history,
    };

    /// <summary>Leaves out the instruction, as reinforcement does.</summary>
    /// <param name="prompt">The prompt.</param>
    public static Prompt WithoutInstruction(Prompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return prompt with { Instruction = "" };
    }

    private static string Join(IReadOnlyList<SemanticId> history) => string.Join(", ", history);

    private static string Quote(string title) => $"\"{title}\"";

    private static SemanticId[] Parse(IReadOnlyList<string> history) =>
        [.. history.Select(text => SemanticId.TryParse(text, out var id) ? id : null).OfType<SemanticId>()];
}
