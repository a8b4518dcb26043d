namespace MiniOneRec.Studies;

/// <summary>What the heavy steps of tokenization cost.</summary>
internal sealed class TokenizationStudy : IStudy
{
    public string Name => "tokenization";

    public string Description => "Speed of tokenization. --speed [--parts epoch,resolve,balanced,encode]";

    public Task RunAsync(StudyContext context)
    {
        if (!context.Option("speed", true))
        {
            throw new ArgumentException("The quality of quantizers is measured by: MiniOneRec.Experiments -- semantic-ids.");
        }

        return new TokenizationSpeed(context).RunAsync();
    }
}
